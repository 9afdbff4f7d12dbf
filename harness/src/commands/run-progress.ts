import type { LiveCounts } from '../driver-thread.ts'
import type { Plan } from '../plan.ts'
import { renderProgress, type Progress } from '../report/progress.ts'
import type { RunObserver } from '../run.ts'
import type { CommandIo } from './io.ts'

/** Where there is no terminal to rewrite a line on, a log wants few lines. */
const LINE_EVERY_MS = 10_000
const CLEAR_LINE = '\r\u001b[2K'
/** The sending rate shown is that of the last moments, this long. */
const RATE_OVER_MS = 1_000

/** Shows on stderr how a run is going; says nothing when it is not wanted. */
export class RunProgress implements RunObserver {
  readonly #plan: Plan
  readonly #io: CommandIo
  readonly #wanted: boolean
  #startedAtMs = performance.now()
  #printedAtMs = -Infinity
  #lineShown = false
  #sentBefore: { atMs: number; sent: number }[] = []

  constructor(plan: Plan, io: CommandIo, wanted: boolean) {
    this.#plan = plan
    this.#io = io
    this.#wanted = wanted
  }

  onPhase(phase: Parameters<RunObserver['onPhase']>[0]): void {
    if (phase === 'starting') this.#say('starting the programs')
    else if (phase === 'opening') this.#say(`opening ${this.#plan.connections} connections`)
    else this.#startedAtMs = performance.now()
  }

  onProgress(live: LiveCounts, p99Ms: number | undefined): void {
    if (!this.#wanted) return
    const nowMs = performance.now()
    const ratePerSec = this.#rate(nowMs, live.sent)
    if (!this.#io.isTTY && nowMs - this.#printedAtMs < LINE_EVERY_MS) return
    this.#printedAtMs = nowMs
    const { inFlight, ok, failed, dropped } = live
    const progress: Progress = {
      ...this.#phase(nowMs),
      ratePerSec,
      inFlight,
      ok,
      failed,
      dropped,
      ...(p99Ms !== undefined && { p99Ms }),
    }
    const line = renderProgress(progress, { color: this.#io.color })
    this.#io.stderr(this.#io.isTTY ? CLEAR_LINE + line : `${line}\n`)
    this.#lineShown = this.#io.isTTY
  }

  #say(text: string): void {
    if (this.#wanted) this.#io.stderr(`${text}\n`)
  }

  /** Takes the rewritten line away, so that what is printed next starts on a clean one. */
  clear(): void {
    if (this.#lineShown) this.#io.stderr(CLEAR_LINE)
    this.#lineShown = false
  }

  #phase(nowMs: number): Pick<Progress, 'phase' | 'elapsedMs' | 'totalMs'> {
    const { warmupMs, durationMs, mockLatencyMs } = this.#plan
    const elapsedMs = nowMs - this.#startedAtMs
    if (elapsedMs < warmupMs) return { phase: 'warm-up', elapsedMs, totalMs: warmupMs }
    const measuredMs = elapsedMs - warmupMs
    if (measuredMs < durationMs) return { phase: 'measuring', elapsedMs: measuredMs, totalMs: durationMs }
    return { phase: 'draining', elapsedMs: measuredMs - durationMs, totalMs: mockLatencyMs }
  }

  #rate(nowMs: number, sent: number): number {
    this.#sentBefore.push({ atMs: nowMs, sent })
    while (this.#sentBefore.length > 2 && nowMs - this.#sentBefore[1]!.atMs >= RATE_OVER_MS) this.#sentBefore.shift()
    const oldest = this.#sentBefore[0]!
    return nowMs > oldest.atMs ? ((sent - oldest.sent) / (nowMs - oldest.atMs)) * 1e3 : 0
  }
}
