import { Chalk } from 'chalk'
import { formatCount, formatMs, formatNumber } from '../units.ts'

export interface Progress {
  /** Since the phase began, ms. */
  elapsedMs: number
  /** Planned length of the phase, ms. */
  totalMs: number
  phase: 'opening' | 'warm-up' | 'measuring' | 'draining'
  ratePerSec: number
  inFlight: number
  ok: number
  failed: number
  dropped: number
  /** Of the last moments; absent when nothing has ended yet. */
  p99Ms?: number
}

const BAR_CELLS = 12

/** One line, no newline, at most 100 columns for counts below ten million. */
export function renderProgress(p: Progress, { color }: { color: boolean }): string {
  const paint = new Chalk({ level: color ? 1 : 0 })
  const part = p.totalMs > 0 ? Math.min(1, Math.max(0, p.elapsedMs / p.totalMs)) : 1
  const filled = Math.floor(part * BAR_CELLS)
  const bar = paint.cyan('#'.repeat(filled)) + paint.dim('-'.repeat(BAR_CELLS - filled))
  const seconds = `${formatNumber(p.elapsedMs / 1000, 0)}/${formatNumber(p.totalMs / 1000, 0)} s`
  const lost = (count: number, word: string) => {
    const text = `${word} ${formatCount(count)}`
    return count > 0 ? paint.red(text) : text
  }
  return [
    `${p.phase.padEnd(9)} [${bar}] ${seconds}`,
    `${formatCount(p.ratePerSec)}/s`,
    `${formatCount(p.inFlight)} in flight`,
    `ok ${formatCount(p.ok)}`,
    lost(p.failed, 'failed'),
    lost(p.dropped, 'dropped'),
    p.p99Ms === undefined ? 'p99 -' : `p99 ${formatMs(p.p99Ms)} ms`,
  ].join('  ')
}
