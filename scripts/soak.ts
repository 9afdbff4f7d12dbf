/**
 * Does everything come back? Minutes of load at a rate, with errors, resets and hangs of the provider and callers who
 * leave; before it and after it the gateway is idle and has collected its garbage, and the two states are compared.
 *
 *   node scripts/soak.ts [--minutes 10] [--rate 2000] [--latency 200] [--faults 1] [--retries 0] [--idle 30]
 *
 * 89% of the rate is bench (whole answers), in slices of a minute, 10% are streams, 1% callers who leave at a random instant
 * (half of them in a stream). --faults: percent of answers that are errors, and as many each that are resets and hangs;
 * the gateway's timeout is 2 s. --latency in ms. Before: 10 s of the same load as a warm-up, then 5 s idle. After: --idle
 * seconds. Prints a line for each slice and the table. Exit code 1: something did not come back.
 *
 * bench calls its slices invalid, since requests fail: they are meant to. Connections to the provider that are idle are
 * kept by design (keep-alive) and no leak; in use must be none.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BUILTIN_NODE_FLAGS } from '../harness/src/targets/builtin.ts'
import { seededRandom } from '../mock-provider/src/random.ts'
import { readGatewayState, type GatewayState } from './lib/gateway-state.ts'
import { startGateway, startMock, temporaryFolder, type RunningProgram } from './lib/programs.ts'
import { printIdleTable } from './soak/idle-table.ts'
import { readIdle } from './soak/idle.ts'
import { SideLoad, type Kinds } from './soak/side-load.ts'
import { runBench } from './lib/support.ts'

const SHARE = { bench: 0.89, streams: 0.1, leavers: 0.01 }
const TIMEOUT_MS = 2_000
const STREAM = { tokens: 20, intervalMs: 20 }
const WARM_UP_SEC = 10
const IDLE_BEFORE_MS = 5_000
const SLICE_SEC = 60
/** Idle connections to the provider, beyond those that work at once. */
const SPARE_CONNECTIONS = 500
const MIB = 2 ** 20

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '2000' },
    latency: { type: 'string', default: '200' },
    faults: { type: 'string', default: '1' },
    retries: { type: 'string', default: '0' },
    idle: { type: 'string', default: '30' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (flags.help) {
  console.log(
    'node scripts/soak.ts [--minutes 10] [--rate 2000] [--latency 200] [--faults 1] [--retries 0] [--idle 30]\n' +
      'Load with faults and callers who leave; sockets, queue places, timers and memory before and after.\n' +
      "  --latency of the mock, ms   --faults percent of errors, of resets and of hangs   --retries the gateway's",
  )
} else {
  await soak({
    seconds: numberOf('minutes') * 60,
    ratePerSec: numberOf('rate'),
    latencyMs: numberOf('latency'),
    faultShare: numberOf('faults', 0) / 100,
    retries: numberOf('retries', 0),
    idleMs: numberOf('idle') * 1_000,
  })
}

interface Soak {
  seconds: number
  ratePerSec: number
  latencyMs: number
  faultShare: number
  retries: number
  idleMs: number
}

function numberOf(flag: keyof typeof flags, least = Number.MIN_VALUE): number {
  const value = Number(flags[flag])
  if (value >= least && value < Infinity) return value
  process.stderr.write(`--${flag}: must be a number ${least === 0 ? 'from' : 'above'} 0, got ${flags[flag]}\n`)
  process.exit(2)
}

interface UnderSoak {
  gateway: RunningProgram
  mock: RunningProgram
  resultsFolder: string
}

async function soak(options: Soak): Promise<void> {
  const folder = temporaryFolder('soak')
  const reportFile = join(folder, 'idle.json')
  const { latencyMs, faultShare } = options
  const mock = await startMock([
    ...['--latency', `${latencyMs}ms`, '--tokens', String(STREAM.tokens), '--token-interval', `${STREAM.intervalMs}ms`],
    ...['error', 'reset', 'hang'].flatMap((fault) => [`--${fault}-rate`, String(faultShare)]),
  ])
  const gateway = await startTheGateway(options, mock.url, reportFile)
  const under = { gateway, mock, resultsFolder: folder }

  console.log(`\nwarm-up, ${WARM_UP_SEC} s`)
  await loadFor(WARM_UP_SEC, options, under)
  await delay(IDLE_BEFORE_MS)
  const before = await readIdle(gateway, reportFile)
  await loadFor(options.seconds, options, under)
  console.log(`\nidle, ${options.idleMs / 1_000} s`)
  await delay(options.idleMs)
  const after = await readIdle(gateway, reportFile)

  const back = printIdleTable(before, after)
  await gateway.stop()
  await mock.stop()
  if (!back) process.exitCode = 1
}

function startTheGateway(options: Soak, mockUrl: string, reportFile: string): Promise<RunningProgram> {
  const concurrency = concurrencyFor(options)
  const report = new URL('./soak/idle-report.ts', import.meta.url)
  report.searchParams.set('to', reportFile)
  return startGateway({
    config: {
      config: { initial_pool_size: 5_000 },
      providers: {
        openai: {
          keys: [{ name: 'soak', value: 'sk-soak' }],
          concurrency_and_buffer_size: { concurrency, buffer_size: Math.max(5_000, concurrency) },
          network_config: {
            base_url: mockUrl,
            timeout: TIMEOUT_MS,
            max_retries: options.retries,
            retry_backoff_initial: 50,
            max_conns_per_host: concurrency + SPARE_CONNECTIONS,
            open_ahead: concurrency,
          },
        },
      },
    },
    nodeFlags: [...BUILTIN_NODE_FLAGS, '--expose-gc', '--import', report.href],
  })
}

/** A tenth above what works at once in the mean (Little's law), so that the queue is in use now and then. */
function concurrencyFor({ ratePerSec, latencyMs, faultShare }: Soak): number {
  const streamMs = latencyMs + STREAM.tokens * STREAM.intervalMs
  const meanMs =
    SHARE.bench * latencyMs + SHARE.streams * streamMs + SHARE.leavers * latencyMs + faultShare * TIMEOUT_MS
  return Math.ceil(((ratePerSec * meanMs) / 1_000) * 1.1) + 10
}

async function loadFor(seconds: number, options: Soak, under: UnderSoak): Promise<void> {
  const { ratePerSec, latencyMs } = options
  const side = new SideLoad({
    url: under.gateway.url,
    streamsPerSec: ratePerSec * SHARE.streams,
    leaversPerSec: ratePerSec * SHARE.leavers,
    stayMaxMs: latencyMs + STREAM.tokens * STREAM.intervalMs,
    random: seededRandom(1),
  })
  const all: Kinds = new Map()
  const beganMs = performance.now()
  for (let doneSec = 0; doneSec < seconds; doneSec += SLICE_SEC) {
    const sliceSec = Math.min(SLICE_SEC, seconds - doneSec)
    const [kinds, inTheMiddle] = await Promise.all([
      benchFor(sliceSec, options, under),
      delay((sliceSec * 1_000) / 2).then(() => readGatewayState(under.gateway.url)),
    ])
    addKinds(kinds, side.takeKinds())
    addKinds(all, kinds)
    printSlice((performance.now() - beganMs) / 1_000, inTheMiddle, kinds)
  }
  await side.close()
  addKinds(all, side.takeKinds())
  console.log(`  all: ${shown(all)}; ${side.left} callers left`)
}

async function benchFor(seconds: number, { ratePerSec, latencyMs }: Soak, under: UnderSoak): Promise<Kinds> {
  const { requests } = await runBench([
    ...['--target', under.gateway.url, '--mock-url', under.mock.url, '--rate', String(ratePerSec * SHARE.bench)],
    ...['--duration', `${seconds}s`, '--warmup', '0', '--latency', `${latencyMs}ms`, '--timeout', '5s'],
    // A stall of a second must not show as requests that were never sent.
    ...['--connections', String(Math.ceil(ratePerSec * SHARE.bench * (1 + latencyMs / 1_000)))],
    // Probes would meet the mock's faults, and a hung one is waited for.
    ...['--probe-rate', '0', '--out', under.resultsFolder],
  ])
  const kinds: Kinds = new Map(Object.entries(requests.byStatus))
  addKinds(kinds, new Map(Object.entries(requests.byError)))
  if (requests.dropped > 0) addKinds(kinds, new Map([['not sent: too many in flight', requests.dropped]]))
  return kinds
}

function addKinds(to: Kinds, more: Kinds): void {
  for (const [kind, count] of more) to.set(kind, (to.get(kind) ?? 0) + count)
}

function printSlice(elapsedSec: number, state: GatewayState, kinds: Kinds): void {
  const { residentBytes, contextsInUse, active, buffered, upstreamInUse, upstreamIdle } = state
  console.log(
    `  ${elapsedSec.toFixed(0).padStart(4)} s: ${shown(kinds)}\n          in the middle: RSS ${mib(residentBytes)} MiB, ` +
      `${contextsInUse} in use, ${active} active, ${buffered} buffered, upstream ${upstreamInUse} in use, ${upstreamIdle} idle`,
  )
}

function shown(kinds: Kinds): string {
  const total = [...kinds.values()].reduce((sum, count) => sum + count, 0)
  const failures = [...kinds].filter(([kind]) => kind !== '200').sort(([, a], [, b]) => b - a)
  const texts = failures.map(([kind, count]) => `${kind} ${count} (${((count / total) * 100).toFixed(2)}%)`)
  return `${total} ended, ${kinds.get('200') ?? 0} ok; ${texts.length === 0 ? 'no failures' : texts.join(', ')}`
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0)
}
