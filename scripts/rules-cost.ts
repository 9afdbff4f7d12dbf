/**
 * What do the gateway's rules cost when nothing fails? The built-in gateway plain (one key, no retries, no fallbacks, no
 * labels) against all rules on, which every request then carries along; the same load, in turns, the order alternating.
 * Counters for /metrics are kept in both: they cannot be switched off, only the four labels are new.
 *
 *   node scripts/rules-cost.ts [--rate 2000] [--latency 50] [--duration 8] [--rounds 5] [--log]
 *
 * --log: a third side, all rules and the request log batched into SQLite. --latency in ms, --duration in s.
 *
 * Prints every run, then the medians, what each side adds to the plain one, and how far the plain one is from itself:
 * the noise. Rules may add 3 us to the published overhead, the log 5 us CPU a request. Means of single runs are made by
 * the stalls of a machine: where the noise of the means is larger than half of the 3 us, the medians (p50) are judged.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Result } from '../harness/src/recording.ts'
import { FEATURES_IN_WORDS, featureFlags } from './lib/features.ts'
import { temporaryFolder } from './lib/programs.ts'
import { median, runBench } from './lib/support.ts'

const TARGET_US = 3
const LOG_TARGET_US = 5

interface Figure {
  what: string
  read: (result: Result) => number | undefined
}

const PUBLISHED_MEAN: Figure = { what: 'published mean', read: (r) => r.overheadUs?.published?.mean }
const PUBLISHED_P50: Figure = { what: 'published p50', read: (r) => r.overheadUs?.published?.p50 }
const CPU: Figure = { what: 'gateway CPU', read: (r) => r.resources.gateway?.cpuUsPerRequest }
const FIGURES: readonly Figure[] = [
  PUBLISHED_MEAN,
  PUBLISHED_P50,
  // Reading labels and comparing callers' keys come before the queue, which the published definition leaves out.
  { what: 'request reading p50', read: (r) => r.stagesUs?.['request_reading']?.p50 },
  { what: 'in_process mean', read: (r) => r.overheadUs?.in_process?.mean },
  { what: 'in_process p50', read: (r) => r.overheadUs?.in_process?.p50 },
  CPU,
]

interface Side {
  name: string
  flags: string[]
  /** Those that the figures are made from. */
  runs: Result[]
}

/** Of each side; with fewer there is no telling noise from cost. */
const LEAST_RUNS = 2

const { values: flags } = parseArgs({
  options: {
    rate: { type: 'string', default: '2000' },
    latency: { type: 'string', default: '50' },
    duration: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    log: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (flags.help) {
  console.log(
    'node scripts/rules-cost.ts [--rate 2000] [--latency 50] [--duration 8] [--rounds 5] [--log]\n' +
      'What retry rules, key choice, fallbacks, labels and keys of callers add to a request that succeeds, in turns.',
  )
} else await compare()

async function compare(): Promise<void> {
  const folder = temporaryFolder('rules-cost')
  const load = [
    ...['--rate', flags.rate, '--latency', flags.latency, '--duration', flags.duration, '--warmup', '2'],
    ...['--out', join(folder, 'runs')],
  ]
  const side = (name: string, ...more: string[]): Side => ({ name, flags: [...load, ...more], runs: [] })
  const plain = side('plain')
  const rules = side('all rules', ...featureFlags(join(folder, 'rules')))
  const logged = side('rules + log', ...featureFlags(join(folder, 'log'), { requestLog: true }))
  const sides = flags.log ? [plain, rules, logged] : [plain, rules]

  console.log(`all rules: ${FEATURES_IN_WORDS}`)
  for (let round = 1; round <= Number(flags.rounds); round++) {
    for (const { name, flags: args, runs } of round % 2 === 1 ? sides : sides.toReversed()) {
      const result = await runBench(args)
      runs.push(result)
      const failed = result.verdict.checks.filter(({ ok }) => !ok).map((check) => check.name)
      const valid = failed.length === 0 ? '' : `  INVALID (${failed.join(', ')})`
      const lost = result.requests.planned - result.requests.ok
      const told = FIGURES.map(({ what, read }) => `${what} ${shown(read(result))}`)
      console.log(`round ${round}: ${name.padEnd(12)} ${told.join(', ')} us; lost ${lost}${valid}`)
    }
  }
  const counts = sides.map(({ name, runs }) => `${name} ${runs.filter(isValid).length} of ${runs.length}`)
  const sound = sides.every(({ runs }) => runs.filter(isValid).length >= LEAST_RUNS)
  console.log(
    `\nvalid runs: ${counts.join(', ')}; ${sound ? 'they alone count' : 'too few, so ALL RUNS are shown: DO NOT USE'}`,
  )
  if (sound) for (const side of sides) side.runs = side.runs.filter(isValid)
  printTable(plain, sides.slice(1))
  if (sound) printVerdicts(plain, rules, flags.log ? logged : undefined)
  else console.log('\nnot judged: repeat it on a machine that does nothing else')
}

function isValid({ verdict }: Result): boolean {
  return verdict.valid
}

function printTable(plain: Side, others: readonly Side[]): void {
  const cells = [
    ['medians, us', plain.name, ...others.flatMap(({ name }) => [name, 'adds']), 'noise', 'plain from .. to'],
    ...FIGURES.map((figure) => {
      const own = valuesOf(plain, figure)
      return [
        figure.what,
        shown(middle(own)),
        ...others.flatMap((other) => [shown(middle(valuesOf(other, figure))), signed(added(plain, other, figure))]),
        shown(noise(plain, figure)),
        own.length === 0 ? '-' : `${shown(Math.min(...own))} .. ${shown(Math.max(...own))}`,
      ]
    }),
  ]
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  for (const row of cells) {
    const [first, ...rest] = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!),
    )
    console.log([first, ...rest].join('  '))
  }
  console.log('noise: median distance of a plain run from the plain run before it')
}

function printVerdicts(plain: Side, rules: Side, logged: Side | undefined): void {
  const noiseUs = noise(plain, PUBLISHED_MEAN)
  const judged = noiseUs !== undefined && noiseUs <= TARGET_US / 2 ? PUBLISHED_MEAN : PUBLISHED_P50
  const why =
    judged === PUBLISHED_MEAN
      ? `the means, whose noise of ${shown(noiseUs)} is small enough`
      : `the p50s, since the means of plain runs have a noise of ${shown(noiseUs)}`
  const meanUs = added(plain, rules, PUBLISHED_MEAN)
  const p50Us = added(plain, rules, PUBLISHED_P50)
  const judgedUs = judged === PUBLISHED_MEAN ? meanUs : p50Us
  console.log(
    `\nrules add to the published overhead: ${signed(meanUs)} by medians of means, ${signed(p50Us)} by p50s, us\n` +
      `judged by ${why}: ${verdict(judgedUs, TARGET_US, noise(plain, judged))} (<= ${TARGET_US} us)`,
  )
  console.log(`rules add to the gateway's CPU: ${signed(added(plain, rules, CPU))}, us a request (no target)`)
  if (logged === undefined) return
  const cpuUs = added(rules, logged, CPU)
  console.log(
    `the request log adds to that: ${signed(cpuUs)}, us of CPU a request: ${verdict(cpuUs, LOG_TARGET_US, noise(plain, CPU))} ` +
      `(<= ${LOG_TARGET_US} us); noise of CPU ${shown(noise(plain, CPU))}`,
  )
}

function valuesOf({ runs }: Side, { read }: Figure): number[] {
  return runs.map(read).filter((value) => value !== undefined)
}

function middle(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : median(values)
}

/** Difference of the medians. */
function added(from: Side, to: Side, figure: Figure): number | undefined {
  const [before, after] = [middle(valuesOf(from, figure)), middle(valuesOf(to, figure))]
  return before === undefined || after === undefined ? undefined : after - before
}

/** How far a run is from the next one of its own kind, the median of these. */
function noise(side: Side, figure: Figure): number | undefined {
  const values = valuesOf(side, figure)
  return middle(values.slice(1).map((value, index) => Math.abs(value - values[index]!)))
}

function verdict(us: number | undefined, targetUs: number, noiseUs: number | undefined): string {
  if (us === undefined || noiseUs === undefined) return 'not measured'
  if (noiseUs > targetUs) return 'CANNOT BE TOLD, the noise is larger than the bound'
  return us <= targetUs ? 'HOLDS' : 'MISSED'
}

function shown(us: number | undefined): string {
  return us === undefined ? 'not measured' : us.toFixed(2)
}

function signed(us: number | undefined): string {
  return us === undefined ? 'not measured' : `${us >= 0 ? '+' : ''}${us.toFixed(2)}`
}
