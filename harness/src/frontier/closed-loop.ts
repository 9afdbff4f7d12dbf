import { execa } from 'execa'
import { fileURLToPath } from 'node:url'
import { TargetError } from '../errors.ts'
import { EXIT_WITH_PARENT } from '../processes.ts'

export interface ClosedLoopPlan {
  /** `http://host:port`, with an optional path that is put before `path`. */
  url: string
  path: string
  headers: Record<string, string>
  /** Sent by POST. */
  body: string
  /** A 2xx answer whose body does not hold this counts as an error. Absent: any body will do. */
  answerHolds?: string
  /** Callers, each with one request at a time. */
  connections: number
  durationMs: number
}

export interface ClosedLoopFigures {
  /** Name and version of the tool. */
  tool: string
  connections: number
  /** What it really took. */
  durationMs: number
  /** Right answers a second. */
  perSec: number
  /** Requests without a right answer: not 2xx, a wrong body, no connection, one that ended, nothing within 10 s. */
  errors: number
  /**
   * Of right answers, from sending to the last byte. Too long when connections were lost: autocannon then goes on to time
   * each answer from the request before it.
   */
  p99Ms: number
  /** Share of the time that the tool's one thread was at work, 0 to 1: near 1 the figures are the tool's own. */
  busyRatio: number
}

/** What the child says: without a p99 when no answer was right. */
export type ClosedLoopReport = Omit<ClosedLoopFigures, 'p99Ms'> & { p99Ms?: number }

const PROGRAM = fileURLToPath(new URL('./closed-loop-program.ts', import.meta.url))
/** Starting node, and the last samples. */
const SPARE_MS = 30_000

/**
 * Saturates a target with autocannon, in a process of its own: each connection sends its next request when the last is
 * answered, as fast as it can.
 *
 * A closed loop shows the most that a target answers, and nothing of what callers wait: its callers slow down with the
 * server, and while it stalls they do not send what would have waited. Never rank its figures with those of an open loop.
 * It also counts as errors requests that autocannon wrote on a connection that the target was closing.
 *
 * @throws {TargetError} when no answer was right, or autocannon did not run
 * @throws the reason of the signal; the process has ended by then
 */
export async function closedLoop({
  signal,
  ...plan
}: ClosedLoopPlan & { signal?: AbortSignal }): Promise<ClosedLoopFigures> {
  signal?.throwIfAborted()
  const child = await execa(process.execPath, [...EXIT_WITH_PARENT, PROGRAM], {
    input: JSON.stringify(plan),
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    reject: false,
    // A terminal's Ctrl-C is for bench, which then aborts the signal.
    detached: true,
    timeout: plan.durationMs + SPARE_MS,
    killSignal: 'SIGKILL',
    ...(signal && { cancelSignal: signal }),
  })
  signal?.throwIfAborted()
  if (child.failed) throw new TargetError(`autocannon: ${child.shortMessage}\n${child.stderr}`.trimEnd())
  const report = JSON.parse(child.stdout) as ClosedLoopReport
  const { p99Ms } = report
  if (p99Ms === undefined) {
    throw new TargetError(
      `autocannon: no right answer from ${plan.url} in ${report.durationMs} ms, ${report.errors} errors`,
    )
  }
  return { ...report, p99Ms }
}
