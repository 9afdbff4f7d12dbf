import { validateHeaderName, validateHeaderValue } from 'node:http'
import { maskKey } from './strict-text.ts'
import { isDeeper, isFields, shown, type Fields } from './wire/request-fields.ts'

/** What requests should look like when they arrive, said by someone who knows what the callers send. Plain JSON. */
export interface StrictConfig {
  /** Whether a wrong request is refused instead of answered. @default false */
  refuse: boolean
  /** A request is right when it matches any of them. Empty: only keys are checked. @default [] */
  requests: readonly ExpectedRequest[]
  /** What share of the requests each API key has: above 0, together 1. Empty: keys are not checked. @default {} */
  keyShares: Readonly<Record<string, number>>
}

/** One request as it should arrive. */
export interface ExpectedRequest {
  /** Without the query. */
  path: string
  /** Headers that it must have, by name in lower case; others are not looked at. @default {} */
  headers: Readonly<Record<string, string>>
  /** All of the body but what is ignored. @default the body is not looked at */
  body?: Fields
  /** Places in the body that are not compared, whatever they hold: `metadata.trace`, `messages[0].name`. @default [] */
  ignore: readonly string[]
}

// Far beyond any real request. Comparing goes as deep as what is expected, never as deep as what a gateway sent.
const DEEPEST = 64

const PLACE = /^[^.[\]]+(?:\.[^.[\]]+|\[\d+\])*$/

/**
 * Reads what a config, or a request to change it, says of strict mode. A member that is null counts as absent.
 * @param problems gets everything that is wrong, each with its place: `strict.requests[0].path: must start with ...`
 * @returns undefined when anything is wrong
 */
export function readStrict(value: unknown, problems: string[]): StrictConfig | undefined {
  const before = problems.length
  if (!isFields(value)) {
    problems.push(`strict: must be an object, got ${kindOf(value)}`)
    return undefined
  }
  refuseOthers(value, ['refuse', 'requests', 'keyShares'], 'strict', problems)
  const refuse = value.refuse ?? false
  if (typeof refuse !== 'boolean') problems.push(`strict.refuse: must be true or false, got ${shown(refuse)}`)
  const requests = readRequests(value.requests, problems)
  const keyShares = readKeyShares(value.keyShares, problems)
  if (problems.length > before) return undefined
  if (requests.length === 0 && Object.keys(keyShares).length === 0) {
    problems.push('strict: nothing is expected; give requests, keyShares or both')
    return undefined
  }
  return { refuse: refuse === true, requests, keyShares }
}

/** The names on the way to a place in the body. @param place one that `readStrict` let through */
export function stepsOf(place: string): string[] {
  return place.split(/[.[\]]+/).filter((step) => step !== '')
}

function readRequests(value: unknown, problems: string[]): ExpectedRequest[] {
  const requests = value ?? []
  if (Array.isArray(requests)) {
    return requests.map((each: unknown, i) => readRequest(each, `strict.requests[${i}]`, problems))
  }
  problems.push(`strict.requests: must be an array, got ${kindOf(requests)}`)
  return []
}

function readRequest(value: unknown, at: string, problems: string[]): ExpectedRequest {
  const fields = isFields(value) ? value : {}
  if (fields === value) refuseOthers(fields, ['path', 'headers', 'body', 'ignore'], at, problems)
  else problems.push(`${at}: must be an object, got ${kindOf(value)}`)
  const body = readBody(fields.body, `${at}.body`, problems)
  return {
    path: fields === value ? readPath(fields.path, `${at}.path`, problems) : '',
    headers: readHeaders(fields.headers, `${at}.headers`, problems),
    ...(body && { body }),
    ignore: readIgnore(fields.ignore, `${at}.ignore`, problems),
  }
}

function readPath(path: unknown, at: string, problems: string[]): string {
  if (typeof path !== 'string' || !path.startsWith('/')) {
    problems.push(`${at}: must start with "/", got ${shown(path)}`)
  } else if (/[?#]/.test(path)) {
    problems.push(`${at}: must be without a query, got ${shown(path)}`)
  } else {
    return path
  }
  return ''
}

function readHeaders(value: unknown, at: string, problems: string[]): Record<string, string> {
  const headers = new Map<string, string>()
  for (const [name, expected] of membersOf(value, at, problems)) {
    const lowerName = name.toLowerCase()
    if (headers.has(lowerName)) problems.push(`${at}.${name}: is there twice; case does not matter in names`)
    // The value may be a key: no problem shows it.
    if (typeof expected !== 'string') problems.push(`${at}.${name}: must be a string, got ${kindOf(expected)}`)
    else if (!canArrive(name, expected)) problems.push(`${at}.${name}: is a header that no request can have`)
    else headers.set(lowerName, expected)
  }
  return Object.fromEntries(headers)
}

/** Whether Node would ever tell of such a header: it reads values without the spaces around them. */
function canArrive(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return value === value.trim()
  } catch {
    return false
  }
}

function readBody(value: unknown, at: string, problems: string[]): Fields | undefined {
  const body = value ?? undefined
  if (body === undefined) return undefined
  if (!isFields(body)) problems.push(`${at}: must be an object, got ${kindOf(body)}`)
  else if (isDeeper(body, DEEPEST)) problems.push(`${at}: must not be nested deeper than ${DEEPEST}`)
  else return body
  return undefined
}

function readIgnore(value: unknown, at: string, problems: string[]): string[] {
  const places = value ?? []
  if (!Array.isArray(places)) {
    problems.push(`${at}: must be an array, got ${kindOf(places)}`)
    return []
  }
  return places.filter((place: unknown, i): place is string => {
    if (typeof place === 'string' && PLACE.test(place)) return true
    problems.push(
      `${at}[${i}]: must be a place in the body, as metadata.trace or messages[0].name, got ${shown(place)}`,
    )
    return false
  })
}

function readKeyShares(value: unknown, problems: string[]): Record<string, number> {
  const shares: [key: string, share: number][] = []
  for (const [key, share] of membersOf(value, 'strict.keyShares', problems)) {
    const at = `strict.keyShares["${maskKey(key)}"]`
    if (key === '') problems.push(`${at}: the key must not be empty`)
    if (typeof share === 'number' && share > 0 && Number.isFinite(share)) shares.push([key, share])
    else problems.push(`${at}: must be a number above 0, got ${shown(share)}`)
  }
  const sum = shares.reduce((total, [, share]) => total + share, 0)
  return Object.fromEntries(shares.map(([key, share]) => [key, share / sum]))
}

function membersOf(value: unknown, at: string, problems: string[]): [string, unknown][] {
  const fields = value ?? {}
  if (isFields(fields)) return Object.entries(fields)
  problems.push(`${at}: must be an object, got ${kindOf(fields)}`)
  return []
}

function refuseOthers(fields: Fields, known: readonly string[], at: string, problems: string[]): void {
  for (const name of Object.keys(fields)) {
    if (!known.includes(name)) problems.push(`${at}.${name}: unknown; the members are ${known.join(', ')}`)
  }
}

/** What stands where an object or an array should, without its content: there may be keys in it. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
