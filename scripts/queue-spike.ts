/**
 * Queues under pressure, three experiments:
 * 1. A spike from 2,000 to 5,000/s with `buffer_size` by the published rule, rate x average latency in s x 3: nothing may
 *    be lost. The gateway can do 3,400/s (1,700 at once, 500 ms each), so some 6,400 requests have to wait.
 * 2. The same with a tenth of that buffer, and dropping: how many are dropped. (The configuration refuses a buffer below
 *    the concurrency: where a tenth is less, the concurrency it is.)
 * 3. A full queue that drops: 1,000 requests one after the other on one kept-alive connection. Target: the gateway's own
 *    time, from Server-Timing, is within 1 ms at p99; the round trip is shown beside it.
 *
 *   node scripts/queue-spike.ts [--base 2000] [--spike 5000] [--latency 500] [--concurrency 1700]
 *                               [--seconds 20] [--spike-at 6] [--spike-seconds 4] [--only absorb|drop|full]
 *
 * The base load is one bench, the rest of the spike a second one. Exit code 1: a request was lost in 1, or 3 took longer.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { GatewayConfigFile } from '@gatebench/gateway/config'
import { parseFileLimit } from '../harness/src/proc-texts.ts'
import { readProcText } from '../harness/src/process-tree.ts'
import type { Result } from '../harness/src/recording.ts'
import { BUILTIN_NODE_FLAGS } from '../harness/src/targets/builtin.ts'
import { readGatewayState } from './lib/gateway-state.ts'
import { startGateway, startMock, temporaryFolder } from './lib/programs.ts'
import { askOneByOne, occupy } from './queue-spike/full-queue.ts'
import { printTimeline, QueueTimeline } from './queue-spike/timeline.ts'
import { runBench } from './lib/support.ts'

/** Of the second bench, from its command to its load: programs, a first request, connections. */
const BENCH_START_MS = 2_000
/** More connections than requests are expected in flight. */
const HEADROOM = 1.2
const FILES_SLACK = 400
const TIMEOUT = { bench: '60s', gatewayMs: 60_000 }
const REFUSALS = 1_000
const REFUSALS_FOR_WARM_UP = 200
const REFUSAL_TARGET_US = 1_000

const { values: flags } = parseArgs({
  options: {
    base: { type: 'string', default: '2000' },
    spike: { type: 'string', default: '5000' },
    latency: { type: 'string', default: '500' },
    concurrency: { type: 'string', default: '1700' },
    seconds: { type: 'string', default: '20' },
    'spike-at': { type: 'string', default: '6' },
    'spike-seconds': { type: 'string', default: '4' },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

interface Spike {
  basePerSec: number
  /** Base included. */
  spikePerSec: number
  latencyMs: number
  concurrency: number
  seconds: number
  spikeAtSec: number
  spikeSeconds: number
}

if (flags.help) {
  console.log(
    'node scripts/queue-spike.ts [--base 2000] [--spike 5000] [--latency 500] [--concurrency 1700]\n' +
      '                            [--seconds 20] [--spike-at 6] [--spike-seconds 4] [--only absorb|drop|full]\n' +
      'A spike absorbed by a buffer of the published size; dropped by a smaller one; how fast a full queue refuses.\n' +
      '  rates per second, the spike includes the base; --latency of the mock, ms',
  )
} else await main()

async function main(): Promise<void> {
  const spike: Spike = {
    basePerSec: numberOf('base'),
    spikePerSec: numberOf('spike'),
    latencyMs: numberOf('latency'),
    concurrency: numberOf('concurrency'),
    seconds: numberOf('seconds'),
    spikeAtSec: numberOf('spike-at'),
    spikeSeconds: numberOf('spike-seconds'),
  }
  if (spike.spikePerSec <= spike.basePerSec) fail(`--spike: must be above --base of ${flags.base}, got ${flags.spike}`)
  const { only } = flags
  if (only !== undefined && !['absorb', 'drop', 'full'].includes(only)) {
    fail(`--only: must be absorb, drop or full, got ${only}`)
  }
  checkFiles(spike)
  const folder = temporaryFolder('queue-spike')
  const ruleSize = Math.ceil((spike.spikePerSec * spike.latencyMs * 3) / 1_000)
  if (only === undefined || only === 'absorb') {
    console.log(
      `1. buffer_size ${ruleSize} = ${spike.spikePerSec}/s x ${spike.latencyMs} ms x 3; ${spike.concurrency} at once can do ${capacityPerSec(spike).toFixed(0)}/s`,
    )
    const lost = await absorb(spike, Math.max(ruleSize, spike.concurrency), false, folder)
    console.log(`   target: none lost: ${lost === 0 ? 'met' : 'MISSED'}`)
    if (lost > 0) process.exitCode = 1
  }
  const smallSize = Math.max(Math.ceil(ruleSize / 10), spike.concurrency)
  if (only === undefined || only === 'drop') {
    console.log(`\n2. buffer_size ${smallSize}, dropping`)
    await absorb(spike, smallSize, true, folder)
  }
  if (only === undefined || only === 'full') await refuse(spike.concurrency, smallSize)
}

function numberOf(flag: Exclude<keyof typeof flags, 'help' | 'only'>): number {
  const value = Number(flags[flag])
  if (value > 0 && value < Infinity) return value
  return fail(`--${flag}: must be a number above 0, got ${flags[flag]}`)
}

function fail(problem: string): never {
  process.stderr.write(`${problem}\n`)
  process.exit(2)
}

function capacityPerSec({ concurrency, latencyMs }: Spike): number {
  return (concurrency * 1_000) / latencyMs
}

/** Of a load: what is in flight when the queue is longest, with some headroom. */
function connectionsFor(ratePerSec: number, spike: Spike): number {
  const overflow = Math.max(0, spike.spikePerSec - capacityPerSec(spike)) * spike.spikeSeconds
  const longestSec = spike.latencyMs / 1_000 + overflow / capacityPerSec(spike)
  return Math.ceil(ratePerSec * longestSec * HEADROOM)
}

function checkFiles(spike: Spike): void {
  const limit = parseFileLimit(readProcText('/proc/self/limits') ?? '') ?? Infinity
  const needed = connectionsFor(spike.spikePerSec, spike) + spike.concurrency + FILES_SLACK
  if (needed > limit) {
    fail(`file descriptors: the gateway needs ${needed}, a process may open ${limit}; lower --spike or --spike-seconds`)
  }
}

interface GatewaySettings {
  mockUrl: string
  concurrency: number
  bufferSize: number
  dropExcess: boolean
}

function gatewayConfig({ mockUrl, concurrency, bufferSize, dropExcess }: GatewaySettings): GatewayConfigFile {
  return {
    config: { initial_pool_size: concurrency + bufferSize, drop_excess_requests: dropExcess },
    providers: {
      openai: {
        keys: [{ name: 'spike', value: 'sk-spike' }],
        concurrency_and_buffer_size: { concurrency, buffer_size: bufferSize },
        network_config: {
          base_url: mockUrl,
          timeout: TIMEOUT.gatewayMs,
          max_conns_per_host: concurrency + 100,
          open_ahead: concurrency,
        },
      },
    },
  }
}

/** Returns how many requests were lost. */
async function absorb(spike: Spike, bufferSize: number, dropExcess: boolean, folder: string): Promise<number> {
  const { concurrency, latencyMs, basePerSec, spikePerSec } = spike
  const mock = await startMock(['--latency', `${latencyMs}ms`])
  const gateway = await startGateway({
    config: gatewayConfig({ mockUrl: mock.url, concurrency, bufferSize, dropExcess }),
    nodeFlags: BUILTIN_NODE_FLAGS,
  })
  const load = (ratePerSec: number, seconds: number, name: string): Promise<Result> =>
    runBench([
      ...['--target', gateway.url, '--mock-url', mock.url, '--rate', String(ratePerSec), '--duration', `${seconds}s`],
      // A spike does not warm up, and neither does what it comes upon.
      ...['--warmup', '0', '--latency', `${latencyMs}ms`, '--timeout', TIMEOUT.bench, '--probe-rate', '0'],
      ...['--connections', String(connectionsFor(ratePerSec, spike)), '--out', join(folder, name)],
    ])
  const timeline = new QueueTimeline(gateway.url)
  const spiking = async (): Promise<Result> => {
    await timeline.active((basePerSec * latencyMs) / 2_000)
    await delay(Math.max(0, spike.spikeAtSec * 1_000 - BENCH_START_MS))
    return load(spikePerSec - basePerSec, spike.spikeSeconds, 'spike')
  }
  const results = await Promise.all([load(basePerSec, spike.seconds, 'base'), spiking()])
  await timeline.stop()
  await gateway.stop()
  await mock.stop()

  printTimeline(timeline.rows)
  const depths = timeline.rows.map(({ buffered, waitingForRoom }) => buffered + waitingForRoom)
  console.log(`   deepest: ${Math.max(...depths)} waiting, room for ${bufferSize} of them in the buffer`)
  for (const [index, name] of ['base', 'spike'].entries()) printResult(name, results[index]!)
  return results.reduce((sum, { requests }) => sum + requests.planned - requests.ok, 0)
}

function printResult(name: string, { requests, latencyMs }: Result): void {
  const { planned, ok, byStatus, byError, dropped } = requests
  const failures = Object.entries({ ...byStatus, ...byError, ...(dropped > 0 && { 'never sent': dropped }) })
    .filter(([kind]) => kind !== '200')
    .map(([kind, count]) => `${kind}: ${count} (${((count / planned) * 100).toFixed(1)}%)`)
  const latency =
    latencyMs === undefined
      ? ''
      : `; latency p50 ${latencyMs.fromDue.p50.toFixed(0)} ms, max ${latencyMs.fromDue.max.toFixed(0)} ms`
  console.log(
    `   ${name.padEnd(5)} ${ok} of ${planned} answered, ${planned - ok} lost${failures.length === 0 ? '' : ` (${failures.join(', ')})`}${latency}`,
  )
}

/** How fast a full queue says no. */
async function refuse(concurrency: number, bufferSize: number): Promise<void> {
  console.log(`\n3. ${concurrency} at work for ever, ${bufferSize} waiting, dropping: ${REFUSALS} requests one by one`)
  const mock = await startMock(['--hang-rate', '1'])
  const gateway = await startGateway({
    config: gatewayConfig({ mockUrl: mock.url, concurrency, bufferSize, dropExcess: true }),
    nodeFlags: BUILTIN_NODE_FLAGS,
  })
  const url = new URL(gateway.url)
  const giveUp = await occupy(url, concurrency + bufferSize)
  const isFull = async (): Promise<boolean> => (await readGatewayState(gateway.url)).buffered === bufferSize
  while (!(await isFull())) await delay(50)
  const refusals = (await askOneByOne(url, REFUSALS_FOR_WARM_UP + REFUSALS)).slice(REFUSALS_FOR_WARM_UP)
  const stillFull = await isFull()
  giveUp()
  await gateway.stop()
  await mock.stop()

  const refused = refusals.filter(({ status }) => status === 503).length
  const own = refusals.map(({ gatewayUs }) => gatewayUs).filter((us) => us !== undefined)
  const ownP99Us = percentile(own, 99)
  console.log(`   ${refused} of ${REFUSALS} answered with 503, queue ${stillFull ? 'still' : 'NO LONGER'} full`)
  printTimes(
    'round trip',
    refusals.map(({ roundTripUs }) => roundTripUs),
  )
  printTimes("gateway's own", own)
  const met = refused === REFUSALS && own.length === REFUSALS && stillFull && ownP99Us <= REFUSAL_TARGET_US
  console.log(`   target: the gateway's own p99 within 1 ms: ${met ? 'met' : 'MISSED'}`)
  if (!met) process.exitCode = 1
}

function percentile(values: readonly number[], percent: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil((percent / 100) * values.length) - 1] ?? NaN
}

function printTimes(what: string, valuesUs: readonly number[]): void {
  const [p50, p99, max] = [50, 99, 100].map((percent) => percentile(valuesUs, percent).toFixed(0))
  console.log(`   ${what.padEnd(14)} p50 ${p50!} us, p99 ${p99!} us, max ${max!} us`)
}
