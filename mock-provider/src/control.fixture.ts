import assert from 'node:assert/strict'
import { MockUsageError, type MockConfig, type WrittenConfig } from './config.ts'
import { Control } from './control.ts'

/** What the tests of the mock's control share. */

/** A control on a clock that stands still. */
export function controlOf(written: WrittenConfig): Control {
  return new Control(written, () => 0)
}

/** What a change is refused with; nothing for one that is not. */
export function problemsOf(control: Control, patch: unknown): readonly string[] {
  try {
    control.change(patch)
  } catch (error) {
    assert.ok(error instanceof MockUsageError)
    assert.match(error.message, / in the config\n/)
    return error.problems
  }
  return []
}

/** A config without what draws. */
export function plain(config: MockConfig): unknown {
  const mapsToo = (_name: string, value: unknown): unknown => (value instanceof Map ? [...value] : value)
  return JSON.parse(JSON.stringify(config, mapsToo))
}

/** Latency of a control whose latency is fixed, ms. */
export const latencyMs = ({ running }: Control) => running.config.answer.latency.minimum / 1_000
