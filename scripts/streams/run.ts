import { setTimeout as delay } from 'node:timers/promises'
import type { GatewayConfigFile } from '@gatebench/gateway/config'
import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { parseHostCpu } from '../../harness/src/proc-texts.ts'
import { readProcText } from '../../harness/src/process-tree.ts'
import { BUILTIN_NODE_FLAGS } from '../../harness/src/targets/builtin.ts'
import { cpuUs, startGateway, startMock, type RunningProgram } from '../lib/programs.ts'
import { driveStreams } from './drive.ts'
import { Tally } from './tally.ts'

export interface StreamLoad {
  /** Through the gateway, at once. */
  streams: number
  /** At the same time straight to the mock: the floor. */
  directStreams: number
  chunksPerSec: number
  /** Measured, all streams being up. */
  durationMs: number
  /** All chunks in one burst an interval, instead of spread evenly over it. */
  burst: boolean
  /** Further flags of the mock. */
  mockFlags: readonly string[]
}

/** p50, p90, p99, p99.9, max */
export const PERCENTILES = [50, 90, 99, 99.9, 100] as const

export interface StreamRun {
  gateway: Tally
  direct: Tally
  /** CPU inside the window: of the gateway for each chunk that it passed on, and of each program in cores. */
  gatewayUsPerChunk: number
  cores: Cores
  /** The gateway's own account of the whole run, ns at PERCENTILES. */
  stagesNs: Record<'first_token' | 'between_tokens', number[]>
}

export interface Cores {
  gateway: number
  mock: number
  client: number
  /** Whatever else kept the machine busy: other programs, and the kernel's own work for the network. */
  rest: number
}

const STOP_AFTER_MS = 86_400_000

/** One run against a fresh mock and a fresh gateway. */
export async function runStreams(load: StreamLoad): Promise<StreamRun> {
  const programs: RunningProgram[] = []
  try {
    const intervalMs = 1_000 / load.chunksPerSec
    const pace = ['--first-token', `${intervalMs}ms`, '--token-interval', `${intervalMs}ms`, '--tokens', '1000000']
    const mock = await startMock([...pace, ...load.mockFlags])
    programs.push(mock)
    const gateway = await startGateway({
      config: gatewayConfig(mock.url, load.streams),
      nodeFlags: BUILTIN_NODE_FLAGS,
    })
    programs.unshift(gateway)
    return await measure(load, intervalMs, { mock, gateway })
  } finally {
    // The gateway first: it drains into the mock.
    for (const program of programs) await program.stop()
  }
}

function gatewayConfig(mockUrl: string, streams: number): GatewayConfigFile {
  return {
    config: { initial_pool_size: streams },
    providers: {
      openai: {
        keys: [{ name: 'streams', value: 'sk-streams' }],
        concurrency_and_buffer_size: { concurrency: streams, buffer_size: streams },
        network_config: {
          base_url: mockUrl,
          timeout: STOP_AFTER_MS,
          max_conns_per_host: streams + 100,
          open_ahead: streams,
        },
      },
    },
  }
}

async function measure(
  load: StreamLoad,
  intervalMs: number,
  { mock, gateway }: { mock: RunningProgram; gateway: RunningProgram },
): Promise<StreamRun> {
  const count = load.streams + load.directStreams
  const window = { startNs: Infinity, endNs: Infinity }
  const tallies = {
    gateway: new Tally(window, intervalMs * 1e6),
    direct: new Tally(window, intervalMs * 1e6),
  }
  const urls = { gateway: new URL(gateway.url), direct: new URL(mock.url) }
  const ways = Array.from({ length: count }, (_, index) => {
    // Evenly among the others, so that the floor sees the same instants.
    const before = Math.floor((index * load.directStreams) / count)
    const after = Math.floor(((index + 1) * load.directStreams) / count)
    const way = after > before ? 'direct' : 'gateway'
    return { url: urls[way], tally: tallies[way] }
  })
  const pids = { gateway: gateway.pid, mock: mock.pid }
  const cores = await driveStreams(
    { ways, intervalMs, durationMs: load.durationMs, burst: load.burst, window },
    (ramp) => coresInside(ramp.startNs, ramp.windowStartMs, ramp.windowEndMs, pids),
  )
  return {
    ...tallies,
    gatewayUsPerChunk: (cores.gateway * load.durationMs * 1e3) / tallies.gateway.transitNs.count,
    cores,
    stagesNs: await stagesOf(gateway.url),
  }
}

/** CPU between two instants. */
async function coresInside(
  rampNs: number,
  startMs: number,
  endMs: number,
  pids: { gateway: number; mock: number },
): Promise<Cores> {
  const until = (ms: number): Promise<void> => delay(ms - (Number(process.hrtime.bigint()) - rampNs) / 1e6)
  await until(startMs)
  const before = cpuNow(pids)
  await until(endMs)
  const after = cpuNow(pids)
  const cores = (name: keyof typeof before): number => (after[name] - before[name]) / ((endMs - startMs) * 1e3)
  const own = { gateway: cores('gateway'), mock: cores('mock'), client: cores('client') }
  return { ...own, rest: Math.max(0, cores('host') - own.gateway - own.mock - own.client) }
}

/** CPU so far, us. */
function cpuNow({
  gateway,
  mock,
}: {
  gateway: number
  mock: number
}): Record<'gateway' | 'mock' | 'client' | 'host', number> {
  // Not cpuUs, which would count the two programs among this process's own.
  const { user, system } = process.cpuUsage()
  const host = (parseHostCpu(readProcText('/proc/stat') ?? '')?.busyMs ?? NaN) * 1e3
  return { gateway: cpuUs(gateway), mock: cpuUs(mock), client: user + system, host }
}

interface StagesAnswer {
  segments: Record<string, { hdr: string }>
}

async function stagesOf(url: string): Promise<StreamRun['stagesNs']> {
  const { segments } = (await (await fetch(`${url}/debug/stages`)).json()) as StagesAnswer
  const read = (name: string): number[] => {
    const histogram = decodeFromCompressedBase64(segments[name]!.hdr)
    return PERCENTILES.map((percentile) => histogram.getValueAtPercentile(percentile))
  }
  return { first_token: read('first_token'), between_tokens: read('between_tokens') }
}
