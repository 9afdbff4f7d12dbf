const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
/** Who served for so long did not die of its start. */
const HEALTHY_AFTER_MS = 10_000

/** How long to wait before a worker is replaced: not at all, unless workers in its place die soon after their start. */
export class RestartPause {
  private pauseMs = 0

  /** @param livedMs from its start to its death */
  after(livedMs: number): number {
    const pauseMs = livedMs >= HEALTHY_AFTER_MS ? 0 : this.pauseMs
    this.pauseMs = Math.min(Math.max(pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
    return pauseMs
  }
}
