/** One turn of the pooling experiment: a gateway with one way of pooling, from its cold start through one load. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Int32Histogram, HistogramLogReader, type Histogram } from 'hdr-histogram-js'
import { readProcess } from '../../harness/src/process-tree.ts'
import { BUILTIN_NODE_FLAGS } from '../../harness/src/targets/builtin.ts'
import { cpuUs, startGateway, type RunningProgram } from '../lib/programs.ts'
import { runBench } from '../lib/support.ts'

const GC_TIMES = new URL('./gc-times.ts', import.meta.url)
/** Pages that start-up has touched and given back are gone by then. */
const SETTLE_MS = 1_000
const KIB_PER_MIB = 1_024

export interface Pooling {
  initialPoolSize: number
  /** Upstream connections opened before the gateway listens; the others are opened when a request needs one. */
  openAhead: number
}

export interface Load {
  ratePerSec: number
  latencyMs: number
  durationSec: number
  /** Upstream connections that the gateway may open. */
  connections: number
}

/** What was not measured is NaN. */
export interface Turn {
  rssIdleMiB: number
  rssPeakMiB: number
  /** From ready to the end of the load. */
  cpuUsPerRequest: number
  /** Latency from due of the requests due in the first second, after a cold start. */
  firstMeanMs: number
  firstP99Ms: number
  /** Of all that were due later. */
  restMeanMs: number
  restP99Ms: number
  /** Pauses for garbage collection during the load, per second of it. */
  gcMsPerSec: number
  gcPerSec: number
  lost: number
  /** Names of the checks of bench that failed. */
  failedChecks: string[]
}

export async function runTurn(mock: RunningProgram, pooling: Pooling, load: Load, folder: string): Promise<Turn> {
  const gcFile = join(folder, 'gc.json')
  const gcTimes = new URL(GC_TIMES)
  gcTimes.searchParams.set('file', gcFile)
  const gateway = await startGateway({
    nodeFlags: [...BUILTIN_NODE_FLAGS, '--import', gcTimes.href],
    config: {
      config: { initial_pool_size: pooling.initialPoolSize },
      providers: {
        openai: {
          keys: [{ value: 'sk-bench' }],
          concurrency_and_buffer_size: { concurrency: load.connections, buffer_size: load.connections },
          network_config: {
            base_url: mock.url,
            max_conns_per_host: load.connections,
            open_ahead: pooling.openAhead,
          },
        },
      },
    },
  })
  try {
    await delay(SETTLE_MS)
    const idle = readProcess(gateway.pid)
    const cpuBeforeUs = cpuUs(gateway.pid)
    const out = join(folder, 'runs')
    const result = await runBench([
      ...['--target', gateway.url, '--mock-url', mock.url, '--out', out],
      ...['--rate', String(load.ratePerSec), '--latency', `${load.latencyMs}ms`],
      // No warm-up: the cold start is what pools are for.
      ...['--duration', String(load.durationSec), '--warmup', '0'],
    ])
    const cpuAfterUs = cpuUs(gateway.pid)
    const peakKiB = readProcess(gateway.pid)?.peakKiB
    await gateway.stop()
    const { first, rest } = latenciesUs(join(out, result.id, 'latency.hlog'))
    const gc = pausesMs(gcFile, Date.parse(result.startedAt), Date.parse(result.finishedAt))
    return {
      rssIdleMiB: (idle?.rssKiB ?? NaN) / KIB_PER_MIB,
      rssPeakMiB: (peakKiB ?? NaN) / KIB_PER_MIB,
      cpuUsPerRequest: (cpuAfterUs - cpuBeforeUs) / result.requests.sent,
      firstMeanMs: first.mean / 1e3,
      firstP99Ms: first.getValueAtPercentile(99) / 1e3,
      restMeanMs: rest.mean / 1e3,
      restP99Ms: rest.getValueAtPercentile(99) / 1e3,
      gcMsPerSec: gc.reduce((sum, ms) => sum + ms, 0) / load.durationSec,
      gcPerSec: gc.length / load.durationSec,
      lost: result.requests.planned - result.requests.ok,
      failedChecks: result.verdict.checks.filter(({ ok }) => !ok).map(({ name }) => name),
    }
  } finally {
    await gateway.stop()
  }
}

/** From a run's log, which has a line for each second. */
function latenciesUs(file: string): { first: Histogram; rest: Histogram } {
  const reader = new HistogramLogReader(readFileSync(file, 'utf8'))
  const newHistogram = (): Histogram => {
    const histogram = new Int32Histogram(1, 2, 3)
    histogram.autoResize = true
    return histogram
  }
  const first = newHistogram()
  const rest = newHistogram()
  for (let line = reader.nextIntervalHistogram(); line; line = reader.nextIntervalHistogram()) {
    const to = first.totalCount === 0 ? first : rest
    to.add(line)
  }
  return { first, rest }
}

function pausesMs(file: string, fromMs: number, toMs: number): number[] {
  const times = JSON.parse(readFileSync(file, 'utf8')) as [startMs: number, durationMs: number][]
  return times.filter(([startMs]) => startMs >= fromMs && startMs <= toMs).map(([, durationMs]) => durationMs)
}
