import { basename } from 'node:path'
import { DEFAULTS, type FlagSet, type RunConfig } from '../config.ts'
import { contradictions } from '../contradictions.ts'
import { duration, number, set, type Setter } from '../flag-setters.ts'
import { FLAGS, type Flag } from '../flags.ts'
import { isTargetFile, parseTarget } from '../targets/address.ts'
import { PRICES, instanceNames } from './prices.ts'

/** A comparison, fully decided. What a run has is the same for every target, but for the target itself. */
export interface CompareConfig extends RunConfig {
  /** Names, base URLs or target files; a name may stand for another by `other=name`. At least one. */
  targets: CompareTarget[]
  /** Each round has one turn of every target, in an order of its own. @default 5 */
  rounds: number
  /** Between the end of a window and the stop of its target, ms; memory is read at its end. @default 2_000 */
  cooldownMs: number
  /** Search the largest rate of each target as well. @default false */
  frontier: boolean
  /** Measure negative controls first. @default true */
  controls: boolean
  /** Start although the machine has other work. @default false */
  allowLoaded: boolean
  /** Instance whose price the cost is counted in. @default 't3.medium' */
  instance: string
}

/** One of the targets: what it is, and what it is called in the tables. */
export interface CompareTarget {
  name: string
  target: string
}

/**
 * A rate that the slowest gateways carry on two cores that driver and mock share, long enough for a p99, short enough for five
 * targets in five rounds in a quarter of an hour.
 */
export const COMPARE_DEFAULTS: Readonly<CompareConfig> = {
  ...DEFAULTS,
  ratePerSec: 40,
  durationMs: 12_000,
  warmupMs: 5_000,
  mockLatencyMs: 200,
  // With one and the same delay answers would come just when the next request is due, and wait for it to be sent; those of
  // probes, which are due in between, would not.
  mockJitterMs: 5,
  // With one turn of five left out there are still enough of them for the floor's p99.
  probeRatePerSec: 25,
  targets: [],
  rounds: 5,
  cooldownMs: 2_000,
  frontier: false,
  controls: true,
  allowLoaded: false,
  instance: 't3.medium',
}

/** Of `bench run`; model and headers that are given go to every target, on top of those that it wants itself. */
const SHARED_FLAGS = FLAGS.filter(({ name }) => name !== 'target')

const setTargets: Setter<CompareConfig> = (config, value) => {
  const problems: string[] = []
  for (const word of value.split(',').map((each) => each.trim())) {
    const named = /^([\w.-]+)=(.+)$/.exec(word)
    const parsed = parseTarget(named?.[2] ?? word)
    if ('problem' in parsed) {
      problems.push(parsed.problem)
      continue
    }
    const { target } = parsed
    const name = named?.[1] ?? (isTargetFile(target) ? basename(target, '.json') : target)
    if (config.targets.some((other) => other.name === name)) {
      const own = /^[\w.-]+$/.test(name) ? `${name}-2` : 'again'
      problems.push(`"${name}" is there twice; give the second a name of its own, such as ${own}=${target}`)
    } else config.targets.push({ name, target })
  }
  return problems.length === 0 ? undefined : problems.join('; ')
}

const setInstance: Setter<CompareConfig> = (config, value) => {
  if (!instanceNames().includes(value)) {
    return `no price is known of "${value}" as of ${PRICES.asOf}; known are ${instanceNames().join(', ')}`
  }
  config.instance = value
  return undefined
}

/** What a comparison has beside a run. */
export const COMPARE_FLAGS: readonly Flag<CompareConfig>[] = [
  {
    name: 'targets',
    argument: 'names',
    example: 'direct,builtin,nginx',
    group: 'Comparison',
    help:
      'what is compared, with commas between: known names ("bench targets" lists them), base URLs, target files; ' +
      'again=builtin lists a target a second time under another name',
    set: setTargets,
  },
  {
    name: 'rounds',
    argument: 'n',
    example: '5',
    group: 'Comparison',
    help: 'each target has one turn in each round; the order is shuffled every time',
    show: (c) => String(c.rounds),
    set: number({ min: 2, max: 100, integer: true }, (c, v) => (c.rounds = v)),
  },
  {
    name: 'cooldown',
    argument: 'time',
    example: '2',
    group: 'Comparison',
    help: 'rest after each window before the target is stopped; a bare number is seconds',
    show: (c) => `${c.cooldownMs / 1000}s`,
    set: duration('s', { min: 0, max: 3_600_000 }, (c, v) => (c.cooldownMs = v)),
  },
  {
    name: 'frontier',
    example: '',
    group: 'Comparison',
    help: 'search the most requests per second of each target, too, at several bounds of its p99 added',
    set: set((c) => (c.frontier = true)),
  },
  {
    name: 'skip-controls',
    example: '',
    group: 'Comparison',
    help: 'leave out the negative controls: then nothing is known of the smallest difference that can be told',
    set: set((c) => (c.controls = false)),
  },
  {
    name: 'allow-loaded',
    example: '',
    group: 'Comparison',
    help: 'start although the machine has other work; the report says so',
    set: set((c) => (c.allowLoaded = true)),
  },
  {
    name: 'instance',
    argument: 'name',
    example: 't3.xlarge',
    group: 'Comparison',
    help: 'instance whose price dollars per million requests are counted in',
    show: (c) => c.instance,
    set: setInstance,
  },
]

/** Nobody who asks for a mock without delay has asked for jitter. */
export function withPossibleJitter<C extends RunConfig>(config: C): C {
  return config.mockJitterMs === COMPARE_DEFAULTS.mockJitterMs
    ? { ...config, mockJitterMs: Math.min(config.mockJitterMs, config.mockLatencyMs) }
    : config
}

function probesNeeded(config: Readonly<CompareConfig>): string[] {
  const none = config.probeRatePerSec === 0
  return [
    ...contradictions(withPossibleJitter(config)),
    ...(none ? ['--probe-rate: must be above 0, or there is no floor to compare with, got 0'] : []),
  ]
}

/** A gateway that somebody else started sends to a mock that bench would have to guess. */
function urlsWithoutMock({ targets, mockUrl }: Readonly<CompareConfig>): string[] {
  const urls = targets.filter(({ target }) => target.includes('://')).map(({ target }) => target)
  if (urls.length === 0 || mockUrl !== undefined) return []
  return [
    `--targets: ${urls.join(', ')} must send to the mock of the comparison: start "bench mock --port 8001", point it there, and ` +
      'say --mock-url http://127.0.0.1:8001',
  ]
}

/** Flags, defaults and rules of `bench compare`. */
export const COMPARE: FlagSet<CompareConfig> = {
  command: 'compare',
  defaults: COMPARE_DEFAULTS,
  flags: [...COMPARE_FLAGS, ...SHARED_FLAGS],
  contradictions: (config) => [
    ...probesNeeded(config),
    ...urlsWithoutMock(config),
    ...(config.targets.length === 0 ? ['--targets: name what is to be compared, such as direct,builtin,nginx'] : []),
  ],
}

/** What tells a calibration from a comparison: its targets are the controls themselves. */
const NOT_OF_CALIBRATION = ['targets', 'cooldown', 'frontier', 'skip-controls', 'instance']

/** Flags, defaults and rules of `bench calibrate`. */
export const CALIBRATE: FlagSet<CompareConfig> = {
  command: 'calibrate',
  // A higher rate than a comparison's keeps the programs warm; what differs is turns more than seconds, so many short ones.
  defaults: { ...COMPARE_DEFAULTS, ratePerSec: 200, durationMs: 2_000, warmupMs: 1_000, rounds: 12, cooldownMs: 0 },
  flags: COMPARE.flags.filter(({ name, group }) => !NOT_OF_CALIBRATION.includes(name) && group !== 'Built-in gateway'),
  contradictions: probesNeeded,
}
