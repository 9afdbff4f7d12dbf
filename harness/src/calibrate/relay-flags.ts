import { parseArgs } from 'node:util'
import { UsageError } from '../errors.ts'
import { parseNumber } from '../quantities.ts'

export interface RelayFlags {
  upstream: { host: string; port: number }
  /** 0 for a relay that only passes on. */
  delayUs: number
}

/** The relay takes all of a core while it holds something: longer delays are no use for a calibration. */
const LONGEST_US = 1_000_000

/**
 * Reads `--upstream http://127.0.0.1:PORT --delay-us 100`, both required.
 *
 * @throws {UsageError} with every problem.
 */
export function parseRelayFlags(args: readonly string[]): RelayFlags {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { upstream: { type: 'string' }, 'delay-us': { type: 'string' } },
    strict: false,
  })
  const { upstream: upstreamText, 'delay-us': delayText, ...others } = values
  const problems = [...positionals, ...Object.keys(others).map((name) => `--${name}`)].map(
    (word) => `${word}: not known; there are --upstream and --delay-us`,
  )

  const upstream = parseUpstream(String(upstreamText))
  if (!upstream) problems.push(`--upstream: must be like http://127.0.0.1:8001, got ${shown(upstreamText)}`)

  const delayUs = parseNumber(String(delayText))
  const delayFits = delayUs !== undefined && delayUs >= 0 && delayUs <= LONGEST_US
  if (!delayFits) problems.push(`--delay-us: must be a number from 0 to ${LONGEST_US}, got ${shown(delayText)}`)

  if (!upstream || !delayFits || problems.length > 0) throw new UsageError(problems)
  return { upstream, delayUs }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : 'nothing'
}

function parseUpstream(text: string): RelayFlags['upstream'] | undefined {
  const url = URL.parse(text)
  if (url?.protocol !== 'http:' || url.href !== `${url.origin}/`) return undefined
  // A URL leaves out the port that is usual for its scheme, and has brackets around an IPv6 address.
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : Number(url.port) }
}
