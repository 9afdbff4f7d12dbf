import { availableParallelism } from 'node:os'

import { InvalidArgumentError } from 'commander'

import { ConfigError, parseConfig } from '../config.ts'

/** More workers than this is a slip of the pen. */
const MAX_WORKERS = 512
/** Node's timers count in 32 bits. */
const MAX_LIMIT_MS = 2 ** 31 - 1
const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 }

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`)
    }
    return value
  }
}

/** A count, or `auto` for as many as there are processors for this process. */
export function workerCount(text: string): number {
  if (text === 'auto') return availableParallelism()
  const value = Number(text)
  if (text.trim() !== '' && Number.isInteger(value) && value >= 1 && value <= MAX_WORKERS) return value
  throw new InvalidArgumentError(`Write a whole number from 1 to ${MAX_WORKERS}, or auto.`)
}

/** @example durationMs('1.5s') // 1500 */
export function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text)
  const ms = match ? Math.round(Number(match[1]) * MS_PER_UNIT[match[2]!]!) : NaN
  if (ms <= MAX_LIMIT_MS) return ms
  throw new InvalidArgumentError('Write a duration with its unit: 500ms, 30s or 2m.')
}

/** A flag that says yes by being there; as a variable it has a text, and "false" must not mean yes. */
export function yesOrNo(text: string): boolean {
  if (['true', '1', 'yes'].includes(text)) return true
  if (['false', '0', 'no', ''].includes(text)) return false
  throw new InvalidArgumentError('Write true or false.')
}

/** Names of labels by the rules of prometheus_labels, with commas between them. */
export function labelNames(text: string): string[] {
  const labels = text.split(',').map((label) => label.trim())
  const names = labels.length === 1 && labels[0] === '' ? [] : labels
  try {
    // The rules are the configuration's own, so they are asked with a configuration that has nothing else to say.
    return [...parseConfig({ prometheus_labels: names, providers: ANY_PROVIDER }, {}).config.prometheusLabels]
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new InvalidArgumentError(
      error.problems.map((problem) => problem.replace(/^prometheus_labels\S*: /, '')).join('; '),
    )
  }
}

const ANY_PROVIDER = { openai: { keys: [{ value: 'any' }] } }
