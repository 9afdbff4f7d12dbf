import autocannon from 'autocannon'
import packageOfTool from 'autocannon/package.json' with { type: 'json' }
import { text } from 'node:stream/consumers'
import { Histogram, LATENCY_US } from '../histogram.ts'
import type { ClosedLoopPlan, ClosedLoopReport } from './closed-loop.ts'

/** The process of a closed loop: its plan comes as JSON on stdin, its report leaves as JSON on stdout. */

const TIMEOUT_S = 10
/** autocannon looks only so often whether its time is over. */
const SAMPLE_MS = 50

const {
  url,
  path,
  headers,
  body,
  answerHolds = '',
  connections,
  durationMs,
} = JSON.parse(await text(process.stdin)) as ClosedLoopPlan

// autocannon's own latencies are whole ms, and those of wrong answers are among them.
const rightUs = new Histogram(LATENCY_US)
let answers = 0
let last = { status: 0, ms: 0 }

const options: autocannon.Options = {
  url: url.replace(/\/+$/, '') + path,
  method: 'POST',
  headers,
  body,
  connections,
  duration: durationMs / 1e3,
  timeout: TIMEOUT_S,
  sampleInt: SAMPLE_MS,
  // Called for each answer, just after its 'response' event.
  verifyBody: (answer) => {
    const right = last.status >= 200 && last.status < 300 && answer !== undefined && answer.includes(answerHolds)
    if (right) rightUs.record(last.ms * 1e3)
    return right
  },
}
const before = performance.eventLoopUtilization()
const result = await new Promise<autocannon.Result>((resolve, reject) => {
  const run = autocannon(options, (error: Error | null, result) => {
    if (error) reject(error)
    else resolve(result)
  })
  run.on('response', (_client, status, _bytes, ms) => {
    answers++
    last = { status, ms }
  })
})
const { utilization } = performance.eventLoopUtilization(before)

// A request whose connection the target ends in good order is sent again without a word. At the end each connection has
// one on its way.
const unanswered = Math.max(0, result.requests.sent - answers - result.errors - connections)
const tookMs = result.finish.getTime() - result.start.getTime()
const report: ClosedLoopReport = {
  tool: `autocannon ${packageOfTool.version}`,
  connections,
  durationMs: tookMs,
  perSec: rightUs.count / (tookMs / 1e3),
  errors: answers - rightUs.count + result.errors + unanswered,
  busyRatio: utilization,
  ...(rightUs.count > 0 && { p99Ms: rightUs.percentile(99) / 1e3 }),
}
process.stdout.write(JSON.stringify(report))
