import { shown } from './wire/request-fields.ts'

/** How problems and reports show places, and values that may be secret. */

const PLAIN_NAME = /^[\w$-]{1,60}$/

/** Where a value stands in a body. @example bodyPlace(['messages', 0, 'content']) // 'body.messages[0].content' */
export function bodyPlace(steps: readonly (string | number)[]): string {
  let place = 'body'
  for (const step of steps) {
    place += typeof step === 'string' && PLAIN_NAME.test(step) ? `.${step}` : `[${shown(step)}]`
  }
  return place
}

/** A key as it may be shown: its last characters, at most 4 and never more than half of them. */
export function maskKey(key: string): string {
  return `****${key.slice(key.length - Math.min(4, key.length >> 1))}`
}

/** Headers whose values are keys or as good as keys, in lower case. */
const SECRET_HEADERS = new Set([
  ...['authorization', 'proxy-authorization', 'cookie', 'api-key', 'x-api-key', 'x-goog-api-key'],
  'x-amz-security-token',
])
const SCHEME = /^(?:Bearer|Basic) +/i

/** A header's value as a problem may show it. @param name in lower case @param value undefined for a lost header */
export function toldHeader(name: string, value: string | undefined): string {
  if (value === undefined || !SECRET_HEADERS.has(name)) return shown(value)
  const scheme = SCHEME.exec(value)?.[0] ?? ''
  return shown(scheme + maskKey(value.slice(scheme.length)))
}
