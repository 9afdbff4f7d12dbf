import { contradictions } from './contradictions.ts'
import { UsageError } from './errors.ts'
import { FLAGS, type Flag } from './flags.ts'
import type { JsonObject } from './json-object.ts'
import { nearest } from './nearest.ts'
import { findProfile } from './profiles/find.ts'
import type { Profile } from './profiles/profile.ts'
import { t3Medium } from './profiles/t3-medium.ts'

/** One run, fully decided: every field is set, in the unit that its name carries. */
export interface RunConfig {
  /** Planned rate, requests per second, > 0. @default 5_000 */
  ratePerSec: number
  /** Measured window, ms, > 0; the warm-up comes before it. @default 60_000 */
  durationMs: number
  /** Load at the full rate before the window opens, ms; its requests are in no statistic. 0 for none. @default 5_000 */
  warmupMs: number
  /**
   * A known target (targets/known.ts), `direct` among them (no gateway: the mock itself), the base URL of a running gateway
   * (http only), or the path of a target file. @default 'builtin'
   */
  target: string
  /**
   * Base URL of a mock that runs already: none is started, and probes and the built-in gateway go there. Absent: one is
   * started, but for a target URL, whose mock nobody but its owner knows; then there are no probes.
   */
  mockUrl?: string
  /** Name of the profile that the defaults came from. @default 't3.medium' */
  profile: string
  /** The machine that the profile was published for; only a label off that machine. */
  profileMachine: { vcpus: number; memoryGiB: number }
  /** The mock's delay, ms, >= 0. @default 1_500 */
  mockLatencyMs: number
  /** Uniform spread around the mock's delay: each answer takes latency +- jitter, ms. @default 0 */
  mockJitterMs: number
  /** Whole answer body of the mock, bytes. @default 1_370 (t3.medium) */
  responseBytes: number
  /** Whole request body, bytes. @default 130 */
  requestBytes: number
  /** `model` of every request. @default 'openai/gpt-4o-mini' */
  model: string
  /** Extra request headers, for targets that want a key; lower-case names. @default {} */
  headers: Record<string, string>
  /** Members of every request's body beside model and messages. @default {} */
  body: JsonObject
  /** Connections opened before the warm-up, over all threads; 0 derives them from rate x latency. @default 0 */
  connections: number
  /** Give up on a request after this many ms; 0 waits for ever. @default 30_000 */
  timeoutMs: number
  /** Driver threads. @default 1 */
  threads: number
  /** Seed of everything that is drawn by chance. @default 1 */
  seed: number
  /** Requests per second beside the load, to the mock for the floor and to the gateway for the ping; 0 for none. @default 20 */
  probeRatePerSec: number
  /** Settings of the built-in gateway. */
  gateway: {
    /** @default per profile */
    concurrency: number
    /** @default 15_000 (t3.medium), 20_000 (t3.xlarge) */
    bufferSize: number
    /** @default 10_000 (t3.medium), 15_000 (t3.xlarge) */
    initialPoolSize: number
    /** Processes that serve; the three settings above are divided among them. @default 1 */
    workers: number
    /** Merged over the configuration file that the run writes for it. Absent: nothing is. */
    config?: JsonObject
  }
  /** Folder that the run's own folder is made in. @default 'results' */
  outDir: string
  /** Print result.json instead of the summary. @default false */
  json: boolean
  /** Print nothing but errors. @default false */
  quiet: boolean
}

const { name: profile, machine: profileMachine, ...setUp } = t3Medium

/** A run without a flag. */
export const DEFAULTS: Readonly<RunConfig> = {
  ...setUp,
  gateway: { ...setUp.gateway, workers: 1 },
  profile,
  profileMachine,
  target: 'builtin',
  mockJitterMs: 0,
  model: 'openai/gpt-4o-mini',
  headers: {},
  body: {},
  connections: 0,
  timeoutMs: 30_000,
  threads: 1,
  seed: 1,
  probeRatePerSec: 20,
  outDir: 'results',
  json: false,
  quiet: false,
}

/** The subcommands of `bench`, for the guess at a mistyped one. */
export const COMMAND_NAMES = [
  'run',
  'compare',
  'calibrate',
  'verify',
  'report',
  'diff',
  'targets',
  'doctor',
  'gateway',
  'mock',
] as const

type FlagValue = string | boolean | string[]

/** Flag name without its dashes, in kebab or camel case, to its text; `true` where no text followed it. */
export type FlagValues = Record<string, FlagValue | undefined>

/** What a command takes: `bench run`, or one that does many runs. */
export interface FlagSet<C extends RunConfig> {
  command: string
  defaults: Readonly<C>
  flags: readonly Flag<C>[]
  /** Settings that are each fine and together cannot give a result. */
  contradictions: (config: Readonly<C>) => string[]
}

/** Flags, defaults and rules of `bench run`. */
export const RUN: FlagSet<RunConfig> = { command: 'run', defaults: DEFAULTS, flags: FLAGS, contradictions }

/** `bench run`: see `parseFlags`. */
export function parseRunConfig(flags: FlagValues, words: readonly string[] = []): RunConfig {
  return parseFlags(RUN, flags, words)
}

/**
 * Flags over profile over defaults.
 *
 * @param words What else stood on the command line: unknown flags with their values, words that belong to nothing.
 * @throws {UsageError} with every problem at once: unknown flags, values that cannot be read, settings that
 *   contradict one another.
 */
export function parseFlags<C extends RunConfig>(set: FlagSet<C>, flags: FlagValues, words: readonly string[]): C {
  const config: C = structuredClone(set.defaults)
  const given = Object.entries(flags)
    .filter((entry): entry is [string, FlagValue] => entry[1] !== undefined && entry[1] !== false)
    .map(([key, value]) => ({ name: kebabCase(key), value }))

  const problems = given
    .filter(({ name }) => flagNamed(set, name) === undefined)
    .map(({ name }) => unknownFlag(set, `--${name}`))
  problems.push(...strayWords(set, words))
  // The profile first, wherever its flag stands: all others override it.
  given.sort((a, b) => Number(b.name === 'profile') - Number(a.name === 'profile'))
  for (const { name, value } of given) {
    if (name === 'profile') problems.push(...readProfile(value, config))
    else problems.push(...readFlag(flagNamed(set, name), value, config))
  }
  // Against a value that could not be read, a contradiction would only repeat the complaint.
  if (problems.length === 0) problems.push(...set.contradictions(config))
  if (problems.length > 0) throw new UsageError(problems)
  return config
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function flagNamed<C extends RunConfig>({ flags }: FlagSet<C>, name: string): Flag<C> | undefined {
  return flags.find((flag) => flag.name === name)
}

function readProfile(value: FlagValue, config: RunConfig): string[] {
  if (typeof value !== 'string') return ['--profile: needs a value, such as t3.medium']
  const found = findProfile(value)
  if ('problems' in found) return found.problems.map((problem) => `--profile: ${problem}`)
  applyProfile(config, found.profile)
  return []
}

function applyProfile(config: RunConfig, { name, machine, gateway, ...settings }: Profile & { name: string }): void {
  Object.assign(config, settings, { profile: name, profileMachine: machine })
  Object.assign(config.gateway, gateway)
}

function readFlag<C extends RunConfig>(flag: Flag<C> | undefined, value: FlagValue, config: C): string[] {
  if (flag === undefined) return []
  if (flag.argument === undefined) {
    if (value !== true) return [`--${flag.name}: takes no value, got ${JSON.stringify(value)}`]
    flag.set(config, '')
    return []
  }
  if (value === true) return [`--${flag.name}: needs a value, such as ${flag.example}`]
  const texts = Array.isArray(value) ? value : [String(value)]
  return texts
    .map((text) => flag.set(config, text))
    .filter((problem) => problem !== undefined)
    .map((problem) => `--${flag.name}: ${problem}`)
}

function unknownFlag<C extends RunConfig>(set: FlagSet<C>, text: string): string {
  const name = text.split('=', 1)[0]!
  if (flagNamed(set, name.slice(2)) !== undefined) return `${name}: takes no value, got ${text}`
  const guess = nearest(
    name,
    set.flags.map((flag) => `--${flag.name}`),
  )
  return `${name}: unknown flag; ${guess === undefined ? `see "bench ${set.command} --help"` : `did you mean ${guess}?`}`
}

function strayWord(word: string): string {
  const guess = nearest(word, COMMAND_NAMES)
  return `"${word}": neither a command nor a flag; ${guess === undefined ? 'see "bench --help"' : `did you mean bench ${guess}?`}`
}

/** A word after an unknown flag is that flag's value, not a problem of its own. */
function strayWords<C extends RunConfig>(set: FlagSet<C>, words: readonly string[]): string[] {
  return words.flatMap((word, i) => {
    if (word.startsWith('-')) return [unknownFlag(set, word)]
    return words[i - 1]?.startsWith('-') === true ? [] : [strayWord(word)]
  })
}
