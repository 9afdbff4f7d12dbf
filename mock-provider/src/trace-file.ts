import { readFileSync } from 'node:fs'
import { LONGEST_TRACE, type Quantity } from './distribution.ts'
import { readQuantity } from './quantity.ts'
import type { Parsed } from './units.ts'

/** A trace as `parseDistribution` takes it; its values as the file writes them. */
export interface TraceSpec {
  trace: readonly string[]
}

const PREFIX = 'trace:'

/** The spec with its file read where it is `trace:FILE`, and any other spec as it is. */
export function resolveTraceFile(spec: unknown, quantity: Quantity): Parsed<unknown> {
  if (typeof spec !== 'string' || !spec.startsWith(PREFIX)) return { ok: true, value: spec }
  return readTraceFile(spec.slice(PREFIX.length), quantity)
}

/**
 * Reads a trace: one value a line, as `quantity` is written; blank lines and lines that start with # are passed over.
 * A problem names the file and, where there is one, the line.
 */
export function readTraceFile(path: string, quantity: Quantity): Parsed<TraceSpec> {
  const text = readText(path)
  if (!text.ok) return text
  const trace: string[] = []
  for (const [at, line] of text.value.split('\n').entries()) {
    const value = line.trim()
    if (value === '' || value.startsWith('#')) continue
    const read = readQuantity(value, quantity)
    if (!read.ok) return { ok: false, problem: `${path}:${at + 1}: ${read.problem}` }
    trace.push(value)
  }
  if (trace.length > 0 && trace.length <= LONGEST_TRACE) return { ok: true, value: { trace } }
  return { ok: false, problem: `${path}: a trace must have 1 to ${LONGEST_TRACE} values, got ${trace.length}` }
}

function readText(path: string): Parsed<string> {
  try {
    return { ok: true, value: readFileSync(path, 'utf8') }
  } catch (error) {
    return { ok: false, problem: `${path}: cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}
