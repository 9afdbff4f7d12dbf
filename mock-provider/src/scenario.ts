import type { WrittenConfig } from './config.ts'
import { START_SETTINGS } from './settings.ts'
import { parseDurationMs } from './units.ts'
import { isFields, shown } from './wire/request-fields.ts'

/** One entry of a timetable: what the config becomes at a time after the scenario's start. */
export interface ScenarioStep {
  atMs: number
  /** Merged into the config as a change over HTTP would be. */
  set: WrittenConfig
}

const MOST_STEPS = 1_000
const NOT_HERE = [...Object.keys(START_SETTINGS), 'scenario', 'scenarioEvery']

/**
 * Reads `[{ "at": "10s", "set": { "latency": "3s" } }, ...]`, in order of time. Whether what is set is right is for
 * whoever knows what it is merged into.
 * @param name how a problem calls the setting
 */
export function readScenario(written: unknown, name: string, problems: string[]): ScenarioStep[] {
  if (!Array.isArray(written) || written.length > MOST_STEPS) {
    problems.push(
      `${name}: must be a list of at most ${MOST_STEPS} steps {"at":"10s","set":{...}}, got ${shown(written)}`,
    )
    return []
  }
  let beforeMs = 0
  return written.flatMap((step: unknown, index) => {
    const read = readStep(step, `${name}[${index}]`, problems)
    for (const { atMs } of read) {
      if (atMs < beforeMs) problems.push(`${name}[${index}].at: must not be before the step above, got ${atMs} ms`)
      beforeMs = atMs
    }
    return read
  })
}

function readStep(step: unknown, name: string, problems: string[]): ScenarioStep[] {
  if (!isFields(step) || !isFields(step.set)) {
    problems.push(`${name}: must be {"at":"10s","set":{...}}, got ${shown(step)}`)
    return []
  }
  const at = parseDurationMs(String(step.at))
  if (!at.ok) problems.push(`${name}.at: ${at.problem}`)
  for (const setting of Object.keys(step.set).filter((each) => NOT_HERE.includes(each))) {
    problems.push(`${name}.set.${setting}: cannot be changed by a scenario`)
  }
  return at.ok ? [{ atMs: at.value, set: step.set }] : []
}
