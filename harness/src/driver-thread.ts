import { parentPort, workerData } from 'node:worker_threads'
import { AboveMockRows } from './above-mock.ts'
import { probeArrivals } from './arrivals.ts'
import { SystemClock } from './clock.ts'
import { Driver } from './driver.ts'
import { shareOf, type Plan } from './plan.ts'
import { PROBE_NAMES, type ProbeLines, type ProbeName } from './probes.ts'
import { Recorder, type RecorderData } from './recorder.ts'
import { TimelineRows } from './timeline.ts'
import { HttpTransport } from './transport/http-transport.ts'

/** Body of one driver thread: it owns its connections, its pace and its recorder, and shares nothing with the others. */

export interface DriverThreadData {
  plan: Plan
  thread: number
  targetUrl: string
  probes: ProbeLines
}

export type ToDriverThread =
  /** Fire; the window opens at `openNs` on the machine's monotonic clock. */
  | { kind: 'start'; openNs: number }
  /** Send no more, wait a little for what is in flight, report. */
  | { kind: 'stop' }

export type FromDriverThread =
  | { kind: 'opened' }
  | { kind: 'failed'; message: string }
  | { kind: 'progress'; rows: ThreadRows; live: LiveCounts }
  | { kind: 'done'; report: DriverThreadReport }

/** What has ended since the last message, row by row. */
export interface ThreadRows {
  timeline: Int32Array
  aboveMock: Record<'target' | 'floor', Int32Array>
}

/** Counts since the start of the warm-up. */
export interface LiveCounts {
  sent: number
  ok: number
  failed: number
  dropped: number
  inFlight: number
}

export interface DriverThreadReport {
  main: RecorderData
  probes: Partial<Record<ProbeName, RecorderData>>
  inFlightMax: number
  /** Share of the window that the thread was neither asleep nor waiting for events, 0 to 1. */
  busyRatio: number
}

const PROGRESS_EVERY_MS = 250
/** What an interrupted run still waits for answers. */
const STOP_GRACE_MS = 3_000

const { plan, thread, targetUrl, probes } = workerData as DriverThreadData
const port = parentPort!
const clock = new SystemClock()
const share = shareOf(plan, thread)

const transport = new HttpTransport({
  url: targetUrl,
  request: plan.request,
  connections: share.connections,
  timeoutMs: plan.timeoutMs,
  clock,
})
const probeLines = PROBE_NAMES.flatMap((name) => {
  const line = probes[name]
  if (!line) return []
  return [
    { name, recorder: new Recorder(), transport: new HttpTransport({ ...line, timeoutMs: plan.timeoutMs, clock }) },
  ]
})
const transports = [transport, ...probeLines.map((line) => line.transport)]

function post(message: FromDriverThread, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}

async function run(openNs: number): Promise<void> {
  const recorder = new Recorder()
  const rows = new TimelineRows()
  const aboveMock = { target: new AboveMockRows(), floor: new AboveMockRows() }
  const live: LiveCounts = { sent: 0, ok: 0, failed: 0, dropped: 0, inFlight: 0 }
  const driver = new Driver({
    ...share,
    clock,
    transport,
    openNs,
    onAttempt: (attempt) => {
      recorder.add(attempt)
      rows.add(attempt)
      aboveMock.target.add(attempt)
      if (attempt.outcome.kind === 'dropped') live.dropped++
      else if (attempt.outcome.kind === 'ok') live.ok++
      else live.failed++
    },
  })
  const drivers = [
    driver,
    ...probeLines.map(
      (line, at) =>
        new Driver({
          schedule: probeArrivals(plan, plan.probeRatePerSec, at / probeLines.length),
          clock,
          transport: line.transport,
          openNs,
          onAttempt: (attempt) => {
            line.recorder.add(attempt)
            if (line.name === 'floor') aboveMock.floor.add(attempt)
          },
        }),
    ),
  ]

  const sendProgress = (): void => {
    live.inFlight = transport.inFlight
    live.sent = live.ok + live.failed + live.inFlight
    const [timeline, target, floor] = [rows.take(), aboveMock.target.take(), aboveMock.floor.take()]
    post({ kind: 'progress', rows: { timeline, aboveMock: { target, floor } }, live: { ...live } }, [
      timeline.buffer,
      target.buffer,
      floor.buffer,
    ])
  }
  const progress = setInterval(sendProgress, PROGRESS_EVERY_MS)
  port.on('message', (message: ToDriverThread) => {
    if (message.kind !== 'stop') return
    for (const each of drivers) each.stop()
    setTimeout(() => {
      for (const each of transports) each.abandon()
    }, STOP_GRACE_MS).unref()
  })

  const busyRatio = measureBusyRatio(openNs)
  await Promise.all(drivers.map((each) => each.run()))
  clearInterval(progress)
  sendProgress()
  const report: DriverThreadReport = {
    main: recorder.toData(),
    probes: Object.fromEntries(probeLines.map((line) => [line.name, line.recorder.toData()])),
    inFlightMax: driver.inFlightMax,
    busyRatio: busyRatio(),
  }
  await Promise.all(transports.map((each) => each.close()))
  post({ kind: 'done', report })
  port.close()
}

/** Begins at the opening of the window; the returned function says how busy the thread was up to its end or now. */
function measureBusyRatio(openNs: number): () => number {
  const take = (): { atNs: number; idleNs: number } => ({
    atNs: clock.nowNs(),
    idleNs: clock.sleptNs() + performance.eventLoopUtilization().idle * 1e6,
  })
  let start = take()
  let end: ReturnType<typeof take> | undefined
  const cancels = [
    clock.wakeAt(openNs, () => {
      start = take()
    }),
    clock.wakeAt(openNs + plan.durationMs * 1e6, () => {
      end = take()
    }),
  ]
  return () => {
    for (const cancel of cancels) cancel()
    const last = end ?? take()
    return 1 - (last.idleNs - start.idleNs) / Math.max(1, last.atNs - start.atNs)
  }
}

port.once('message', (message: ToDriverThread) => {
  if (message.kind === 'start') void run(message.openNs)
})

Promise.all(transports.map((each) => each.open())).then(
  () => {
    post({ kind: 'opened' })
  },
  (error: unknown) => {
    post({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
    port.close()
  },
)
