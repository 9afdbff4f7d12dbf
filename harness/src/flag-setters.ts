import type { RunConfig } from './config.ts'
import { readGatewayConfig } from './gateway-config.ts'
import { parseJsonObject } from './json-object.ts'
import { parseDurationMs, parseNumber, parseSizeBytes } from './quantities.ts'
import { OWN_MEMBERS } from './request-body.ts'
import { parseTarget } from './targets/address.ts'

/** Reads a text into the config; returns what is wrong with it and what would be right, or undefined. */
export type Setter<C extends RunConfig = RunConfig> = (config: C, text: string) => string | undefined

interface Range {
  min?: number
  /** Must be larger than this. */
  above?: number
  max?: number
  integer?: boolean
}

function outOfRange(value: number, { min, above, max, integer }: Range): string | undefined {
  if (integer === true && !Number.isSafeInteger(value)) return 'must be a whole number'
  if (above !== undefined && value <= above) return `must be above ${above}`
  if (min !== undefined && value < min) return `must be at least ${min}`
  if (max !== undefined && value > max) return `must be at most ${max}`
  return undefined
}

export function number<C extends RunConfig>(range: Range, put: (config: C, value: number) => void): Setter<C> {
  return (config, text) => {
    const value = parseNumber(text)
    if (value === undefined) return `"${text}" is not a number; write it in plain digits, such as 5000`
    const problem = outOfRange(value, range)
    if (problem !== undefined) return `${problem}, got ${text}`
    put(config, value)
    return undefined
  }
}

/** setTimeout takes no more ms than a signed 32-bit integer holds; nobody wants a run of 24 days. */
const LONGEST_MS = 2_147_483_647

export function duration<C extends RunConfig>(
  bareUnit: 's' | 'ms',
  range: Range,
  put: (config: C, ms: number) => void,
): Setter<C> {
  const right = bareUnit === 's' ? '60, 60s or 1.5m' : '1500, 1500ms or 1.5s'
  return (config, text) => {
    const ms = parseDurationMs(text, bareUnit)
    if (ms === undefined) return `"${text}" is not a duration; write ${right}`
    const problem = outOfRange(ms, { max: LONGEST_MS, ...range })
    if (problem !== undefined) return `${problem} ms, got ${text}`
    put(config, ms)
    return undefined
  }
}

export function size(put: (config: RunConfig, bytes: number) => void): Setter {
  return (config, text) => {
    const bytes = parseSizeBytes(text)
    if (bytes === undefined) return `"${text}" is not a size; write 1370, 1.37KB (1,000 bytes each) or 2KiB (1,024)`
    const problem = outOfRange(bytes, { min: 1, max: 64 * 1024 * 1024 })
    if (problem !== undefined) return `${problem} bytes, got ${text}`
    put(config, bytes)
    return undefined
  }
}

export function text<C extends RunConfig>(put: (config: C, value: string) => void): Setter<C> {
  return (config, value) => {
    if (value.trim() === '') return 'must not be empty, got ""'
    put(config, value)
    return undefined
  }
}

/** Set by the driver itself: a second value would break the framing of the request. */
const OWN_HEADERS = ['content-length', 'transfer-encoding', 'connection', 'host']
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\s*:\s*([\t\x20-\x7e\x80-\xff]*)$/

export const setHeader: Setter = (config, value) => {
  const match = HEADER.exec(value)
  if (!match) return `"${value}" is not a header; write 'authorization: Bearer KEY'`
  const name = match[1]!.toLowerCase()
  if (OWN_HEADERS.includes(name)) return `"${name}" is set by bench itself; leave it out`
  config.headers[name] = match[2]!.trim()
  return undefined
}

export const setBody: Setter = (config, value) => {
  const parsed = parseJsonObject(value)
  if (typeof parsed === 'string') return `${parsed}; write '{"temperature":0.5}'`
  const own = Object.keys(parsed).filter((name) => Object.hasOwn(OWN_MEMBERS, name))
  if (own.length > 0) {
    return own.map((name) => `"${name}" is set by bench itself (${OWN_MEMBERS[name]!}); leave it out`).join('; ')
  }
  config.body = parsed
  return undefined
}

export const setGatewayConfig: Setter = (config, value) => {
  const read = readGatewayConfig(value)
  if (typeof read === 'string') return read
  config.gateway.config = read
  return undefined
}

export const setTarget: Setter = (config, value) => {
  const parsed = parseTarget(value)
  if ('problem' in parsed) return parsed.problem
  config.target = parsed.target
  return undefined
}

export const setMockUrl: Setter = (config, value) => {
  const parsed = parseTarget(value)
  if ('problem' in parsed || !parsed.target.includes('://')) {
    return `"${value}" is not a base URL; write one such as http://127.0.0.1:8001`
  }
  config.mockUrl = parsed.target
  return undefined
}

export const set = <C extends RunConfig>(put: (config: C) => void): Setter<C> => {
  return (config) => {
    put(config)
    return undefined
  }
}
