import type { Findings } from './config-shape.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const ENV = 'env.'

/** Single values of a file: variables resolved, what cannot be used reported. No problem repeats a value that may be secret. */
export class ConfigValues {
  readonly findings: Findings = { problems: [], warnings: [] }
  private readonly env: Environment

  constructor(env: Environment) {
    this.env = env
  }

  problem(path: string, text: string): void {
    this.findings.problems.push(`${path}: ${text}`)
  }

  /** A text or the variable that it names; undefined, and reported, when that is not set. */
  text(path: string, value: string): string | undefined {
    if (!value.startsWith(ENV)) return value
    const name = value.slice(ENV.length)
    const found = Object.hasOwn(this.env, name) ? this.env[name] : undefined
    if (found !== undefined && found !== '') return found
    this.problem(
      path,
      name === '' ? 'env. must be followed by the name of a variable' : `environment variable ${name} is not set`,
    )
    return undefined
  }

  /** A key of a provider, which becomes a header; '' when it cannot be used. */
  secret(path: string, value: string): string {
    const secret = this.text(path, value)
    if (secret === undefined) return ''
    if (isHeaderValue(secret)) return secret
    this.problem(path, 'holds characters that cannot stand in a header')
    return ''
  }

  /** An http or https URL of a host and perhaps a path. */
  url(path: string, value: string): URL | undefined {
    const text = this.text(path, value)
    if (text === undefined) return undefined
    const url = URL.parse(text)
    // What has an @ may hold a password; what came from a variable may hold anything.
    const named = text !== value || text.includes('@') ? 'it' : JSON.stringify(text)
    if (url === null || !/^https?:$/.test(url.protocol)) {
      this.problem(path, `${named} is not a URL; write http://host:port or https://host`)
      return undefined
    }
    if (url.username !== '' || url.password !== '') {
      this.problem(path, 'must not hold a user or password; write those as a key or in extra_headers')
      return undefined
    }
    if (url.search !== '' || url.hash !== '') {
      this.problem(path, `${named} must end before its ? or #`)
      return undefined
    }
    return url
  }

  /**
   * Headers that go out as they are, values resolved.
   * @param taken lower-case names of the headers that the provider's protocol sets
   */
  headers(
    path: string,
    headers: Readonly<Record<string, string | undefined>>,
    taken: readonly string[],
  ): Record<string, string> {
    const seen = new Set<string>()
    const read: [string, string][] = []
    for (const [name, value] of Object.entries(headers)) {
      const lower = name.toLowerCase()
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) {
        this.problem(path, `${JSON.stringify(name)} is not a header name`)
      } else if (FRAMING_HEADERS.has(lower) || taken.includes(lower)) {
        this.problem(`${path}.${name}`, 'the gateway sets this header itself')
      } else if (seen.has(lower)) {
        this.problem(`${path}.${name}`, 'the same header named twice; keep one')
      } else {
        read.push([name, this.secret(`${path}.${name}`, value ?? '')])
      }
      seen.add(lower)
    }
    return Object.fromEntries(read)
  }
}

/** What says where a request goes, how long it is, and what becomes of its connection. */
const FRAMING_HEADERS = new Set([
  ...['connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'proxy-connection'],
])

function isHeaderValue(value: string): boolean {
  // ASCII only: the head is written as UTF-8, together with the body.
  return /^[\t\x20-\x7e]*$/.test(value)
}
