import { parseInteger, parseShare, within, type Parsed } from './units.ts'

/** Values of settings that are more than a number: each reads the text of a flag, and what JSON has for it. */

const STATUS = { minimum: 400, maximum: 599 }

/** @example parseErrorRates('429=1%,503=0.005') and parseErrorRates({ 429: '1%', 503: 0.005 }) */
export function parseErrorRates(written: unknown): Parsed<ReadonlyMap<number, number>> {
  const entries = rateEntries(written)
  if (!entries)
    return { ok: false, problem: `${JSON.stringify(written)} has no shares by status; write 429=1%,503=0.5%` }
  const rates = new Map<number, number>()
  for (const [statusText, shareText] of entries) {
    const status = within(STATUS, '', parseInteger)(statusText)
    if (!status.ok) return status
    const share = parseShare(shareText)
    if (!share.ok) return share
    rates.set(status.value, share.value)
  }
  return { ok: true, value: rates }
}

function rateEntries(written: unknown): [string, string][] | undefined {
  if (typeof written === 'string') {
    const pairs = written === '' ? [] : written.split(',').map((pair) => pair.split('='))
    return pairs.every((pair) => pair.length === 2) ? (pairs as [string, string][]) : undefined
  }
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return undefined
  return Object.entries(written).map(([status, share]) => [status, String(share)])
}

export function parseHost(text: string): Parsed<string> {
  if (/^[\w.:-]+$/.test(text)) return { ok: true, value: text }
  return { ok: false, problem: `"${text}" is not an address; write 127.0.0.1, 0.0.0.0 or a host name` }
}

/** An API key whose requests fail. */
export interface FailKey {
  key: string
  status: number
}

/** @example parseKeys(['sk-1', 'sk-2']) */
export function parseKeys(written: unknown): Parsed<readonly string[]> {
  return listOf(written, (member) => (typeof member === 'string' ? parseKey(member) : notAKey(member)))
}

/** @example parseFailKeys(['sk-dead=401']) and parseFailKeys([{ key: 'sk-dead', status: 401 }]) */
export function parseFailKeys(written: unknown): Parsed<readonly FailKey[]> {
  return listOf(written, parseFailKey)
}

function listOf<T>(written: unknown, parse: (member: unknown) => Parsed<T>): Parsed<readonly T[]> {
  if (!Array.isArray(written)) return { ok: false, problem: `${JSON.stringify(written)} is not a list` }
  const values: T[] = []
  for (const member of written) {
    const parsed = parse(member)
    if (!parsed.ok) return parsed
    values.push(parsed.value)
  }
  return { ok: true, value: values }
}

function notAKey(written: unknown): { ok: false; problem: string } {
  return {
    ok: false,
    problem: `${JSON.stringify(written)} is not an API key; write visible ASCII characters, at least one`,
  }
}

function parseKey(text: string): Parsed<string> {
  return /^[\x21-\x7e]+$/.test(text) ? { ok: true, value: text } : notAKey(text)
}

function parseFailKey(written: unknown): Parsed<FailKey> {
  const [keyText, statusText] = failKeyTexts(written)
  const key = parseKey(keyText)
  if (!key.ok)
    return { ok: false, problem: `${JSON.stringify(written)} is not a key with a status; write it as sk-dead=401` }
  const status = within(STATUS, '', parseInteger)(statusText)
  return status.ok ? { ok: true, value: { key: key.value, status: status.value } } : status
}

function failKeyTexts(written: unknown): [string, string] {
  if (typeof written === 'string') {
    // The last one, because a key may hold "=" itself.
    const at = written.lastIndexOf('=')
    return [written.slice(0, Math.max(0, at)), written.slice(at + 1)]
  }
  if (typeof written !== 'object' || written === null) return ['', '']
  const { key, status } = written as { key?: unknown; status?: unknown }
  return [typeof key === 'string' ? key : '', String(status)]
}
