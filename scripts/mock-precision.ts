/**
 * How exact the mock is: delay given less delay planned, as its answers and chunks themselves tell.
 *
 * - shared: 7,500 answers waiting at 5,000/s, driver and built-in gateway on the same two cores (the main job)
 * - own core: the same load straight to the mock, which has a core for itself (taskset), and the driver the other
 * - streams: 2,000 streams of 20 chunks a second straight to the mock, on a core of its own; late is written less due
 *
 *   node scripts/mock-precision.ts [--rounds 3] [--seconds 20] [--only shared|own-core|streams]
 *
 * Prints every round, then medians beside their targets; exit code 1: a target was missed.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { startMock, temporaryFolder, type RunningProgram } from './lib/programs.ts'
import { median, runBench } from './lib/support.ts'
import { driveStreams } from './streams/drive.ts'
import { Tally } from './streams/tally.ts'

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '20' },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

/** What one run showed, by the name of the figure. */
type Figures = Record<string, number>

interface Experiment {
  run: () => Promise<Figures>
  /** At most. */
  targets: Figures
}

const LOAD = ['--rate', '5000', '--latency', '1500ms', '--duration', flags.seconds]
const STREAMS = 2_000
const CHUNKS_PER_SEC = 20
const MOCK_CORE = '1'
const OTHER_CORE = '0'

const EXPERIMENTS: Record<string, Experiment> = {
  shared: { run: shared, targets: { 'p50 ms': 0.6, 'p99 ms': 3, 'peak MiB': 300 } },
  'own-core': { run: ownCore, targets: { 'p99 ms': 1.2 } },
  streams: { run: streams, targets: { 'late p99 ms': 5 } },
}

if (flags.help) {
  console.log('node scripts/mock-precision.ts [--rounds 3] [--seconds 20] [--only shared|own-core|streams]')
} else {
  await measureAll()
}

async function measureAll(): Promise<void> {
  const chosen = Object.entries(EXPERIMENTS).filter(([name]) => flags.only === undefined || flags.only === name)
  if (chosen.length === 0) {
    process.stderr.write(`--only: must be one of ${Object.keys(EXPERIMENTS).join(', ')}, got ${flags.only ?? ''}\n`)
    process.exit(2)
  }
  const rounds = new Map(chosen.map(([name]) => [name, [] as Figures[]]))
  for (let round = 1; round <= Number(flags.rounds); round++) {
    for (const [name, { run }] of chosen) {
      const figures = await run()
      rounds.get(name)!.push(figures)
      console.log(`round ${round}, ${name}: ${text(figures)}`)
    }
  }
  const verdicts = chosen.map(([name, { targets }]) => judge(name, rounds.get(name)!, targets))
  if (verdicts.includes(false)) process.exitCode = 1
}

/** Prints the medians of all rounds; yields whether all targets hold. */
function judge(name: string, all: readonly Figures[], targets: Figures): boolean {
  const medians = Object.fromEntries(Object.keys(all[0]!).map((key) => [key, median(all.map((one) => one[key]!))]))
  const held = Object.entries(targets).map(([key, most]) => ({ key, most, holds: medians[key]! <= most }))
  const told = held.map(({ key, most, holds }) => `${key} <= ${most}: ${holds ? 'HOLDS' : 'MISSED'}`)
  console.log(`medians, ${name}: ${text(medians)}   ${told.join(', ')}`)
  return held.every(({ holds }) => holds)
}

function text(figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join('   ')
}

async function shared(): Promise<Figures> {
  const { mock, resources, verdict } = await runBench([...LOAD, '--out', temporaryFolder('mock-precision')])
  return {
    ...delayError(mock),
    'peak MiB': resources.mock?.rssPeakMiB ?? NaN,
    valid: Number(verdict.valid),
  }
}

async function ownCore(): Promise<Figures> {
  const mock = await startOnOwnCore(['--latency', '1500ms'])
  try {
    const args = [...LOAD, '--target', mock.url, '--mock-url', mock.url, '--out', temporaryFolder('mock-precision')]
    const { mock: told, verdict } = await runBench(args)
    return { ...delayError(told), valid: Number(verdict.valid) }
  } finally {
    unpin()
    await mock.stop()
  }
}

async function streams(): Promise<Figures> {
  const intervalMs = 1_000 / CHUNKS_PER_SEC
  const pace = ['--first-token', `${intervalMs}ms`, '--token-interval', `${intervalMs}ms`, '--tokens', '1000000']
  const mock = await startOnOwnCore(pace)
  try {
    const window = { startNs: Infinity, endNs: Infinity }
    const tally = new Tally(window, intervalMs * 1e6)
    const ways = Array.from({ length: STREAMS }, () => ({ url: new URL(mock.url), tally }))
    const durationMs = Number(flags.seconds) * 1_000
    await driveStreams({ ways, intervalMs, durationMs, burst: false, window }, () => Promise.resolve())
    const lateMs = (percentile: number) => tally.writtenLateNs.percentile(percentile) / 1e6
    return {
      'late p50 ms': lateMs(50),
      'late p99 ms': lateMs(99),
      'late max ms': lateMs(100),
      chunks: tally.writtenLateNs.count,
      lost: tally.lost,
      unfinished: tally.unfinished,
    }
  } finally {
    unpin()
    await mock.stop()
  }
}

function delayError(mock: { delayErrorMs?: { p50: number; p99: number } } | undefined): Figures {
  return { 'p50 ms': mock?.delayErrorMs?.p50 ?? NaN, 'p99 ms': mock?.delayErrorMs?.p99 ?? NaN }
}

/** The mock on one core from its start, which it notices, and this process with all that it starts then on the other. */
async function startOnOwnCore(mockFlags: readonly string[]): Promise<RunningProgram> {
  pin(process.pid, MOCK_CORE)
  try {
    return await startMock(mockFlags)
  } finally {
    pin(process.pid, OTHER_CORE)
  }
}

/** All threads of a process on one core, and what it starts from now on. */
function pin(pid: number, core: string): void {
  execFileSync('taskset', ['-a', '-c', '-p', core, String(pid)], { stdio: 'ignore' })
}

function unpin(): void {
  pin(process.pid, `${OTHER_CORE},${MOCK_CORE}`)
}
