import type { GatewayConfig } from '../config.ts'

/** V8 cuts the strings of a heap snapshot at 1,024 characters; some of those become more or fewer in UTF-8. */
const CUT_FROM_CHARS = 1_000
const SHORTEST_HEADER_CHARS = 8

/** Everything that must not leave the process, as it may stand in a string. */
export class Secrets {
  private readonly values = new Set<string>()
  private whole = /$^/g
  /** Longest first. */
  private known: readonly string[] = []

  constructor(config?: GatewayConfig) {
    if (config) this.add(config)
  }

  /** Those of this configuration too. */
  add(config: GatewayConfig): void {
    this.addValues(secretsOf(config))
  }

  addValues(values: Iterable<string>): void {
    for (const value of values) {
      if (value === '') continue
      this.values.add(value)
      // As it stands in the text of the configuration file, which is a string in memory too.
      this.values.add(JSON.stringify(value).slice(1, -1))
    }
    this.known = [...this.values].sort((a, b) => b.length - a.length)
    if (this.known.length > 0) this.whole = new RegExp(this.known.map(escaped).join('|'), 'g')
  }

  /** The text with every secret replaced by a mark of its length; the same text when there is none. */
  redact(text: string): string {
    const redacted = text.replace(this.whole, ({ length }) => mark(length))
    return text.length < CUT_FROM_CHARS ? redacted : this.redactCutEnd(redacted)
  }

  /** Where a long string has been cut, a secret may have been cut with it. */
  private redactCutEnd(text: string): string {
    let longest = 0
    for (const secret of this.known) {
      for (let length = Math.min(secret.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(secret.slice(0, length))) longest = length
      }
    }
    return longest === 0 ? text : text.slice(0, -longest) + mark(longest)
  }
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function mark(length: number): string {
  return '[key]'.padEnd(length, '*').slice(0, length)
}

function secretsOf({ providers, callerKeys, requestLog }: GatewayConfig): string[] {
  return [
    ...providers.flatMap(({ keys, network }) => [
      ...keys.map(({ value }) => value),
      // Some providers take their key in a header of their own; what is shorter is a setting.
      ...Object.values(network.extraHeaders).filter(({ length }) => length >= SHORTEST_HEADER_CHARS),
    ]),
    ...callerKeys.map(({ value }) => value),
    ...(requestLog?.store === 'postgres' ? passwordsOf(requestLog.url) : []),
  ]
}

function passwordsOf(url: string): string[] {
  const parsed = URL.parse(url)
  if (parsed === null) return []
  return [parsed.password, parsed.searchParams.get('password') ?? ''].flatMap((text) => {
    const plain = decoded(text)
    return [text, plain, encodeURIComponent(plain)]
  })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
