/**
 * What a gateway adds to each chunk of a stream. N streams at once through the gateway, and at the same time a few
 * straight to the mock: the floor, measured at the same instants. Each chunk carries when the mock wrote it
 * (CLOCK_MONOTONIC, which all processes of a machine share); transit is from there to being read here. Added = transit
 * through the gateway less transit straight, percentile by percentile.
 *
 *   node scripts/streams.ts [--streams 500] [--direct 50] [--rate 20] [--seconds 20] [--rounds 3] [--burst]
 *   node scripts/streams.ts --search [--from 500] [--to 9800] [--seconds 5] [--rounds 3]
 *
 * --burst: all chunks of an interval at once, the worst case, instead of spread evenly over it.
 * --search: the largest number of streams of which no chunk is late (received more than an interval after it was
 * written, or written more than an interval after it was due) and none is lost: doubles, then halves the gap down to
 * 10%; every step is a fresh run and has two tries. Says what stopped it: when streams that go straight to the mock
 * suffer as well, it is mock, client or machine, and not the gateway. Look at the cores: `rest` is what else kept the
 * machine busy (other programs, the kernel's own work for the network).
 *
 * Prints every round, then medians; the target is p99 added <= 1 ms. Exit code 1: the target was missed, or chunks lost.
 */
import { parseArgs } from 'node:util'
import { parseFileLimit } from '../harness/src/proc-texts.ts'
import { readProcText } from '../harness/src/process-tree.ts'
import { PERCENTILES, runStreams, type StreamLoad, type StreamRun } from './streams/run.ts'
import type { Tally } from './streams/tally.ts'
import { median } from './lib/support.ts'

const TARGET_P99_ADDED_MS = 1
/** A floor above this belongs to a machine that does something else as well: differences to it are noise. */
const QUIET_P99_MS = 2
const TRIES = 2
/** The search ends when the smallest number that failed is at most so much above the largest that was carried. */
const GAP = 1.1
/** What a process has open besides sockets, and connections of a gateway at rest. */
const FILES_SLACK = 400

const { values: flags } = parseArgs({
  options: {
    streams: { type: 'string', default: '500' },
    direct: { type: 'string', default: '50' },
    rate: { type: 'string', default: '20' },
    seconds: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    burst: { type: 'boolean', default: false },
    search: { type: 'boolean', default: false },
    from: { type: 'string', default: '500' },
    to: { type: 'string' },
    mock: { type: 'string', multiple: true, default: [] },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (flags.help) {
  console.log(
    'node scripts/streams.ts [--streams 500] [--direct 50] [--rate 20] [--seconds 20] [--rounds 3] [--burst]\n' +
      'node scripts/streams.ts --search [--from 500] [--to 9800] [--seconds 5] [--rounds 3] [--burst]\n' +
      'What a gateway adds to each chunk of a stream; how many streams it carries.\n' +
      '  --rate   chunks a second of each stream\n' +
      '  --direct streams straight to the mock at the same time, the floor\n' +
      '  --burst  all chunks of an interval at once\n' +
      '  --mock   a further flag of the mock, such as --mock=--cut-rate=1%; repeatable',
  )
} else if (flags.search) await searchRounds()
else await compareRounds()

function loadOf(streams: number, defaultSeconds: number): StreamLoad {
  return {
    streams,
    directStreams: wholeNumber('direct', flags.direct),
    chunksPerSec: wholeNumber('rate', flags.rate),
    durationMs: (flags.seconds === undefined ? defaultSeconds : wholeNumber('seconds', flags.seconds)) * 1_000,
    burst: flags.burst,
    mockFlags: flags.mock,
  }
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value > 0) return value
  process.stderr.write(`--${flag}: must be a whole number above 0, got ${text}\n`)
  process.exit(2)
}

async function compareRounds(): Promise<void> {
  const load = loadOf(wholeNumber('streams', flags.streams), 20)
  const { streams, directStreams, chunksPerSec, durationMs, burst } = load
  console.log(
    `${streams} streams through the gateway, ${directStreams} straight to the mock, ${chunksPerSec} chunks a second each, ` +
      `${burst ? 'in one burst an interval' : 'spread over the interval'}, ${durationMs / 1_000} s`,
  )
  const rows: Record<'gateway' | 'direct' | 'added', number[][]> = { gateway: [], direct: [], added: [] }
  const runs: StreamRun[] = []
  for (let round = 1; round <= wholeNumber('rounds', flags.rounds); round++) {
    const run = await runStreams(load)
    runs.push(run)
    const through = percentilesMs(run.gateway)
    const straight = percentilesMs(run.direct)
    rows.gateway.push(through)
    rows.direct.push(straight)
    rows.added.push(through.map((ms, index) => ms - straight[index]!))
    console.log(`\nround ${round}`)
    printTable(Object.entries(rows).map(([name, all]) => [name, all.at(-1)!]))
    printRun(run)
  }
  console.log(`\nmedians of ${runs.length} rounds`)
  const mediansOf = (all: number[][]): number[] => PERCENTILES.map((_, at) => median(all.map((row) => row[at]!)))
  printTable(Object.entries(rows).map(([name, all]) => [name, mediansOf(all)]))
  const costUs = median(runs.map(({ gatewayUsPerChunk }) => gatewayUsPerChunk))
  const lost = runs.reduce((sum, { gateway, direct }) => sum + gateway.lost + direct.lost, 0)
  const unfinished = runs.reduce((sum, { gateway, direct }) => sum + gateway.unfinished + direct.unfinished, 0)
  const late = runs.map(({ gateway }) => gateway.late)
  const p99AddedMs = mediansOf(rows.added)[PERCENTILES.indexOf(99)]!
  const met = p99AddedMs <= TARGET_P99_ADDED_MS
  console.log(`gateway CPU a chunk: ${costUs.toFixed(1)} us`)
  console.log(
    `all rounds: ${lost} chunks lost, ${unfinished} streams without [DONE]; late, by round: ${late.join(', ')}`,
  )
  console.log(`p99 added: ${p99AddedMs.toFixed(3)} ms, target <= ${TARGET_P99_ADDED_MS} ms: ${met ? 'met' : 'MISSED'}`)
  const floorP99Ms = mediansOf(rows.direct)[PERCENTILES.indexOf(99)]!
  if (floorP99Ms > QUIET_P99_MS) {
    console.log(`straight to the mock p99 is ${floorP99Ms.toFixed(1)} ms: this machine is busy, judge by another run`)
  }
  if (!met || lost > 0 || unfinished > 0) process.exitCode = 1
}

function percentilesMs({ transitNs }: Tally): number[] {
  return PERCENTILES.map((percentile) => transitNs.percentile(percentile) / 1e6)
}

function printTable(rows: readonly (readonly [string, readonly number[]])[]): void {
  const head = PERCENTILES.map((percentile) => (percentile === 100 ? 'max' : `p${percentile}`))
  console.log(`  ${'transit, ms'.padEnd(14)}${head.map((name) => name.padStart(10)).join('')}`)
  for (const [name, values] of rows) {
    console.log(`  ${name.padEnd(14)}${values.map((value) => value.toFixed(3).padStart(10)).join('')}`)
  }
}

function printRun({ gateway, direct, gatewayUsPerChunk, cores, stagesNs }: StreamRun): void {
  for (const [name, tally] of [['gateway', gateway] as const, ['direct', direct] as const]) {
    const { transitNs, late, lost, unfinished, writtenLate, writtenLateNs, failures } = tally
    const written = `mock wrote p99 ${(writtenLateNs.percentile(99) / 1e6).toFixed(3)} ms after due, ${writtenLate} late`
    const why = [...failures].map(([failure, count]) => ` (${count}: ${failure})`).join('')
    console.log(
      `  ${name}: ${transitNs.count} chunks, ${late} late, ${lost} lost, ${unfinished} without [DONE]${why}; ${written}`,
    )
  }
  console.log(`  gateway CPU ${gatewayUsPerChunk.toFixed(1)} us a chunk; ${coresText({ cores })}`)
  for (const [name, ns] of Object.entries(stagesNs)) {
    const shown = ns.map((value) => (value / 1e6).toFixed(3))
    console.log(`  gateway's own ${name}, ms, whole run: p50 ${shown[0]!}, p99 ${shown[2]!}, max ${shown[4]!}`)
  }
}

function coresText({ cores }: Pick<StreamRun, 'cores'>): string {
  const used = Object.entries(cores).map(([name, share]) => `${name} ${(share as number).toFixed(2)}`)
  return `cores: ${used.join(', ')}`
}

async function searchRounds(): Promise<void> {
  const limit = parseFileLimit(readProcText('/proc/self/limits') ?? '') ?? Infinity
  // A gateway has two sockets a stream.
  const mostStreams = Math.min(
    Math.floor((limit - FILES_SLACK) / 2),
    flags.to === undefined ? Infinity : wholeNumber('to', flags.to),
  )
  const found: number[] = []
  for (let round = 1; round <= wholeNumber('rounds', flags.rounds); round++) {
    console.log(`search ${round}, at most ${mostStreams} streams`)
    const { streams, stoppedBy } = await search(wholeNumber('from', flags.from), mostStreams)
    found.push(streams)
    console.log(`  carried: ${streams} streams; stopped by: ${stoppedBy}`)
  }
  console.log(
    `largest number of streams at ${flags.rate} chunks a second without a late or lost chunk: ${median(found)} ` +
      `(searches: ${found.join(', ')})`,
  )
}

async function search(from: number, most: number): Promise<{ streams: number; stoppedBy: string }> {
  let carried = 0
  let failed = Infinity
  let stoppedBy = `nothing up to ${most}, the bound (file descriptors, or --to)`
  for (;;) {
    const next = nextToTry(carried, failed, Math.min(from, most), most)
    if (next === undefined) return { streams: carried, stoppedBy }
    const problem = await problemWith(next)
    if (problem === undefined) carried = next
    else {
      failed = next
      stoppedBy = problem
    }
  }
}

/** Undefined when the answer is known to 10%. */
function nextToTry(carried: number, failed: number, from: number, most: number): number | undefined {
  if (carried === 0 && failed === Infinity) return from
  if (failed === Infinity) return carried < most ? Math.min(carried * 2, most) : undefined
  if (carried === 0) return failed > 1 ? Math.floor(failed / 2) : undefined
  return failed / carried > GAP && failed - carried > 1 ? Math.round((failed + carried) / 2) : undefined
}

/** Undefined when so many streams are carried, at the second try at the latest. */
async function problemWith(streams: number): Promise<string | undefined> {
  let problem: string | undefined
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const run = await runStreams(loadOf(streams, 5))
    problem = judge(run)
    const [, , p99Ms] = percentilesMs(run.gateway)
    console.log(`  ${streams} streams: ${problem ?? 'carried'}; p99 transit ${p99Ms!.toFixed(2)} ms; ${coresText(run)}`)
    if (problem === undefined) return undefined
  }
  return problem
}

function judge({ gateway, direct }: StreamRun): string | undefined {
  const through = faultOf(gateway)
  const straight = faultOf(direct)
  if (straight !== undefined) {
    return `mock, client or machine, not the gateway alone: straight to the mock ${straight}; through the gateway ${through ?? 'nothing'}`
  }
  return through === undefined ? undefined : `gateway: ${through}`
}

function faultOf({ late, lost, unfinished, writtenLate, transitNs, writtenLateNs }: Tally): string | undefined {
  const faults: string[] = []
  const worst = (ns: number): string => `by up to ${(ns / 1e6).toFixed(0)} ms`
  if (lost > 0 || unfinished > 0) faults.push(`${lost} chunks lost, ${unfinished} streams without [DONE]`)
  if (late > 0) faults.push(`${late} chunks late ${worst(transitNs.max)}`)
  if (writtenLate > 0) faults.push(`${writtenLate} written late ${worst(writtenLateNs.max)}`)
  return faults.length === 0 ? undefined : faults.join(', ')
}
