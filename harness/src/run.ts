import { AboveMockLog } from './above-mock.ts'
import { SystemClock } from './clock.ts'
import type { RunConfig } from './config.ts'
import type { LiveCounts } from './driver-thread.ts'
import { DriverThreads, type LoadMeasurement } from './driver-threads.ts'
import { fetchGatewayAccount, type GatewayAccount } from './gateway-account.ts'
import { openHistogramLog } from './histogram.ts'
import { startMock } from './mock-process.ts'
import type { Plan, RequestTemplate } from './plan.ts'
import { preflight } from './preflight.ts'
import { planProbes } from './probes.ts'
import type { RunningProgram } from './processes.ts'
import { ResourceSampler, type ResourceRecording } from './resources.ts'
import { findTarget } from './targets/find.ts'
import type { RunningTarget } from './targets/target.ts'
import { requestsDueIn, Timeline, type TimelineSecond } from './timeline.ts'

/** What a run brought home. */
export interface RunMeasurement {
  target: Pick<RunningTarget, 'name' | 'url' | 'version' | 'managed' | 'nodeFlags' | 'settings'>
  load: LoadMeasurement
  /** What the target says of its own clock; absent for all but the built-in gateway. */
  account?: GatewayAccount
  resources: ResourceRecording
  seconds: TimelineSecond[]
  /** HDR histogram log of the latencies from due, us, one line a second. */
  log: string
  /** Histogram log of the service times above the mock, of callers and probes: see above-mock.ts. */
  aboveMockLog: string
  /** How a program of the run ended in the middle of it, which ended the run; absent when none did. */
  died?: string
  /** Which of them that was. */
  ended?: 'mock' | 'gateway'
}

export interface RunObserver {
  onPhase: (phase: 'starting' | 'opening' | 'load') => void
  /** `p99Ms`: latency from due, of the latest second whose requests have all ended. */
  onProgress: (live: LiveCounts, p99Ms: number | undefined) => void
}

/** What a single request may take beyond the mock's delay. */
export const ANSWER_EXTRA_MS = 10_000

/**
 * Starts mock and target, opens the connections, warms up, measures, and stops both, however it ends. An aborted
 * signal before the load rejects with the signal's reason; after, it ends the load early and what was measured counts.
 *
 * @throws TargetError when mock or target cannot be started or reached.
 */
export async function performRun(
  config: RunConfig,
  plan: Plan,
  signal: AbortSignal,
  observer: RunObserver,
): Promise<RunMeasurement> {
  let mock: RunningProgram | undefined
  let target: RunningTarget | undefined
  try {
    observer.onPhase('starting')
    const wanted = await findTarget(config.target)
    if (config.mockUrl === undefined && wanted.needsMock) mock = await startMock(config, signal)
    const mockUrl = config.mockUrl ?? mock?.url ?? ''
    target = await wanted.start({ config, mockUrl, connections: plan.connections, signal })
    return await loadTarget(plan, { mock, mockUrl, target }, signal, observer)
  } finally {
    // The gateway first: it drains into the mock.
    await target?.stop()
    await mock?.stop()
  }
}

export interface LoadedPrograms {
  /** Absent when somebody else started it, or nobody knows where it is. */
  mock: RunningProgram | undefined
  /** Where the floor's probes go; empty when nobody knows. */
  mockUrl: string
  target: RunningTarget
  /** Ping a gateway that gives an account of its time, which closes its ledger. @default true */
  pings?: boolean
}

/**
 * Opens the connections to a target that runs, warms it up and measures. It stops neither target nor mock. An aborted signal
 * ends it as in `performRun`.
 *
 * @throws TargetError when the target does not answer rightly before the load.
 */
export async function loadTarget(
  plan: Plan,
  { mock, mockUrl, target, pings = true }: LoadedPrograms,
  signal: AbortSignal,
  observer: RunObserver,
): Promise<RunMeasurement> {
  const request = requestTo(target, plan)
  const toTarget: Plan = { ...plan, request }
  let threads: DriverThreads | undefined
  try {
    const { timed } = await preflight(target.url, request, plan.mockLatencyMs + ANSWER_EXTRA_MS, signal)
    observer.onPhase('opening')
    const probes = planProbes(plan, {
      ...(mockUrl !== '' && { mock: mockUrl }),
      ...(timed && pings && { gateway: target.url }),
    })
    threads = await DriverThreads.open(toTarget, target.url, probes, signal)
    observer.onPhase('load')
    return await measure(plan, { mock, target, timed, threads }, signal, observer)
  } finally {
    await threads?.terminate()
  }
}

/** The plan's request with the headers that a target wants once it runs, under those of the plan. */
export function requestTo(
  { headers }: Pick<RunningTarget, 'headers'>,
  { request }: Pick<Plan, 'request'>,
): RequestTemplate {
  return { ...request, headers: { ...headers, ...request.headers } }
}

interface Stage extends Pick<LoadedPrograms, 'mock' | 'target'> {
  /** The target gives an account of its own time: it is our gateway, wherever it runs. */
  timed: boolean
  threads: DriverThreads
}

async function measure(
  plan: Plan,
  { mock, target, timed, threads }: Stage,
  signal: AbortSignal,
  observer: RunObserver,
): Promise<RunMeasurement> {
  const sampler = new ResourceSampler({
    trees: {
      driver: process.pid,
      ...(mock && { mock: mock.pid }),
      ...(target.pid !== undefined && { gateway: target.pid }),
    },
    // What keeps a program that is not ours is neither its cost nor the driver's.
    apart: target.guardPid === undefined ? [] : [target.guardPid],
  })
  const lines: string[] = []
  const timeline = new Timeline({
    dueIn: (second) => requestsDueIn(plan, second),
    log: openHistogramLog((text) => lines.push(text), Date.now(), '[latency from due, in us]'),
  })
  const aboveMockLines: string[] = []
  const aboveMock = new AboveMockLog({
    // Of a mock that somebody else started nobody knows the delay.
    fastestMockMs: mock ? plan.mockLatencyMs - plan.mockJitterMs : 0,
    timeoutMs: plan.timeoutMs,
    write: (text) => aboveMockLines.push(text),
    startedAtMs: Date.now(),
  })
  const clock = new SystemClock()
  const cancels: (() => void)[] = []
  const deaths = watchForDeath({ mock, gateway: target })

  sampler.start()
  try {
    const load = await threads.run(
      AbortSignal.any([signal, deaths.signal]),
      {
        onRows: (rows) => {
          timeline.add(rows.timeline)
          aboveMock.add('target', rows.aboveMock.target)
          aboveMock.add('floor', rows.aboveMock.floor)
        },
        onProgress: (live) => {
          observer.onProgress(live, timeline.seconds.at(-1)?.p99Ms)
        },
      },
      (openNs) => {
        cancels.push(
          clock.wakeAt(openNs, () => {
            sampler.markWindowStart()
          }),
          clock.wakeAt(openNs + plan.durationMs * 1e6, () => {
            sampler.markWindowEnd()
          }),
        )
      },
    )
    const died = deaths.found()
    aboveMock.end()
    const account = timed && died === undefined ? await fetchGatewayAccount(target.url) : undefined
    return {
      target,
      load,
      ...(account && { account }),
      resources: sampler.stop(),
      seconds: timeline.end(),
      log: lines.join(''),
      aboveMockLog: aboveMockLines.join(''),
      ...(died && { died: died.how, ended: died.program }),
    }
  } finally {
    for (const cancel of cancels) cancel()
    sampler.stop()
  }
}

interface Death {
  program: 'mock' | 'gateway'
  how: string
}

/** Aborts `signal` when one of the programs ends; `found` says which and how, with its last words. */
function watchForDeath(
  programs: Record<Death['program'], Partial<Pick<RunningProgram, 'exited' | 'stderrTail'>> | undefined>,
): { signal: AbortSignal; found: () => Death | undefined } {
  const controller = new AbortController()
  let found: Death | undefined
  for (const program of ['mock', 'gateway'] as const) {
    void programs[program]?.exited?.then(({ code, signal }) => {
      const how = signal === undefined ? `code ${code ?? '?'}` : `killed by ${signal}`
      const words = programs[program]?.stderrTail?.() ?? ''
      const last = words === '' ? '' : `; its last words:\n  ${words.replaceAll('\n', '\n  ')}\n`
      found ??= { program, how: `the ${program} ended in the middle of the run (${how})${last}` }
      controller.abort()
    })
  }
  return { signal: controller.signal, found: () => found }
}
