import { Chalk } from 'chalk'
import { formatCount, formatMs } from '../units.ts'

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

/** One line, no newline; within 80 columns at the main job's size, so that a terminal can redraw it in place. */
export function renderProgress(p: Progress, { color }: { color: boolean }): string {
  const paint = new Chalk({ level: color ? 1 : 0 })
  const red = (text: string) => paint.red(text)
  const seconds = `${formatCount(p.elapsedMs / 1000)}/${formatCount(p.totalMs / 1000)} s`
  const failed = `${formatCount(p.failed)} failed`
  const parts = [
    `${p.phase.padEnd(9)} ${seconds}`,
    `${formatCount(p.ratePerSec)}/s`,
    `${formatCount(p.inFlight)} in flight`,
    `${formatCount(p.ok)} ok`,
    p.failed > 0 ? red(failed) : failed,
  ]
  if (p.dropped > 0) parts.push(red(`${formatCount(p.dropped)} dropped`))
  if (p.p99Ms !== undefined) parts.push(`p99 ${p.p99Ms < 100 ? formatMs(p.p99Ms) : formatCount(p.p99Ms)} ms`)
  return parts.join('  ')
}
