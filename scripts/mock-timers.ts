/**
 * Which keeps many delays better: the mock's DelayQueue (one heap, one timer, arrivals release what is due) or one
 * setTimeout each? Another thread announces arrivals at an even pace, as sockets would; both ways take turns.
 * Delay error is released minus due; CPU is the announced-to thread's own;
 * with no delay kept it is what the announcements alone cost.
 *
 *   node scripts/mock-timers.ts [--rate 5000] [--delay-ms 1500] [--rounds 3] [--seconds 3]
 */
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { systemClock } from '../mock-provider/src/clock.ts'
import { DelayQueue } from '../mock-provider/src/delay-queue.ts'

interface Pace {
  ratePerSec: number
  durationMs: number
}

/** Takes an arrival that is due at `dueNs`; calls `released` with that instant, not before it. */
type Delayer = (dueNs: number) => void
type MakeDelayer = (released: (dueNs: number) => void) => Delayer

const ways: Record<string, MakeDelayer> = {
  'no delay kept': () => () => undefined,
  'one heap, one timer': (released) => {
    const queue = new DelayQueue<number>({ clock: systemClock, release: released })
    return (dueNs) => {
      queue.add(dueNs, dueNs)
      queue.releaseDue()
    }
  },
  'one setTimeout each': (released) => {
    const wait = (dueNs: number) => {
      setTimeout(
        () => {
          // A timer counts from the loop's last look at the clock and so may fire early: a delay must not.
          if (systemClock() < dueNs) wait(dueNs)
          else released(dueNs)
        },
        Math.max(0, dueNs - systemClock()) / 1e6,
      )
    }
    return wait
  },
}

if (isMainThread) await compare()
else announce(workerData as Pace)

function announce({ ratePerSec, durationMs }: Pace): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  const startMs = performance.now()
  for (let index = 0; index < (ratePerSec * durationMs) / 1_000; index++) {
    const restMs = startMs + (index * 1_000) / ratePerSec - performance.now()
    if (restMs > 0) Atomics.wait(sleeper, 0, 0, restMs)
    parentPort!.postMessage(index)
  }
}

async function compare(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      rate: { type: 'string', default: '5000' },
      'delay-ms': { type: 'string', default: '1500' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (flags.help) {
    console.log('node scripts/mock-timers.ts [--rate 5000] [--delay-ms 1500] [--rounds 3] [--seconds 3]')
    console.log('Delay error and CPU of one heap with one timer against one setTimeout per delay, in turns.')
    return
  }
  const ratePerSec = Number(flags.rate)
  const delayMs = Number(flags['delay-ms'])
  // The delays of the first `delayMs` only fill the queue; what is released after that is measured.
  const pace = { ratePerSec, durationMs: delayMs + Number(flags.seconds) * 1_000 }
  console.log(`${(ratePerSec * delayMs) / 1_000} waiting at ${ratePerSec}/s, ${delayMs} ms each`)
  for (let round = 1; round <= Number(flags.rounds); round++) {
    for (const [name, make] of Object.entries(ways)) {
      const { errorsNs, cpuUs } = await measure(make, pace, delayMs)
      const cpu = `${cpuUs.toFixed(1)} us CPU an arrival`
      const [p50, p99, max] = [0.5, 0.99, 1].map((share) => `${(percentile(errorsNs, share) / 1e6).toFixed(3)} ms`)
      const error = errorsNs.length > 0 ? `   error p50 ${p50}  p99 ${p99}  max ${max}` : ''
      console.log(`round ${round}: ${name.padEnd(20)} ${cpu}${error}`)
    }
  }
}

/** CPU in us per arrival, over the arrivals after the queue was filled. */
async function measure(make: MakeDelayer, pace: Pace, delayMs: number): Promise<{ errorsNs: number[]; cpuUs: number }> {
  const total = (pace.ratePerSec * pace.durationMs) / 1_000
  const filling = (pace.ratePerSec * delayMs) / 1_000
  const errorsNs: number[] = []
  let arrived = 0
  let filled = process.threadCpuUsage()
  let cpu = filled
  const delay = make((dueNs) => {
    if (arrived < total) errorsNs.push(systemClock() - dueNs)
  })
  await new Promise<void>((resolve) => {
    const announcer = new Worker(new URL(import.meta.url), { workerData: pace })
    announcer.on('message', () => {
      arrived++
      if (arrived === filling) filled = process.threadCpuUsage()
      if (arrived === total) cpu = process.threadCpuUsage(filled)
      delay(systemClock() + delayMs * 1e6)
    })
    announcer.on('exit', resolve)
  })
  await new Promise((resolve) => setTimeout(resolve, delayMs + 100))
  return { errorsNs, cpuUs: (cpu.user + cpu.system) / (total - filling) }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN
}
