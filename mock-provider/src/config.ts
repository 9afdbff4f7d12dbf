import { faultShareSum } from './fault-shares.ts'
import { mergePatch } from './merge-patch.ts'
import { readScenario, type ScenarioStep } from './scenario.ts'
import {
  ANSWER_SETTINGS,
  RUNNING_SETTINGS,
  START_SETTINGS,
  TABLE,
  type AnswerSettingName,
  type AnswerValues,
  type RunningValues,
  type Setting,
  type StartValues,
} from './settings.ts'
import { readStrict, type StrictConfig } from './strict.ts'
import { parseDurationMs } from './units.ts'
import { isFields } from './wire/request-fields.ts'

const STRUCTURED = ['models', 'keys', 'strict', 'scenario', 'scenarioEvery'] as const
type StructuredName = (typeof STRUCTURED)[number]

export type SettingName =
  AnswerSettingName | keyof typeof RUNNING_SETTINGS | keyof typeof START_SETTINGS | StructuredName

/** A mock as it is written down: in its file, over HTTP, or put together from flags. Durations without a unit are ms. */
export type WrittenConfig = { [Name in SettingName]?: unknown }

/** What the mock does, fully decided. */
export interface MockConfig extends RunningValues, StartValues {
  answer: AnswerValues
  /** What differs for a model, by the model's name. */
  models: ReadonlyMap<string, Partial<AnswerValues>>
  /** What differs for an API key; it wins over what differs for a model. */
  keys: ReadonlyMap<string, Partial<AnswerValues>>
  strict: StrictConfig | undefined
  scenario: readonly ScenarioStep[]
  /** The scenario begins again so often; 0 for never. */
  scenarioEveryMs: number
}

/** The config cannot be used; `problems` names everything at fault, its value, and what would be right. */
export class MockUsageError extends Error {
  readonly code = 'MOCK_USAGE'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], where = 'the command line') {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    super([`${count} in ${where}`, ...problems.map((problem) => `  ${problem}`)].join('\n'))
    this.name = 'MockUsageError'
    this.problems = problems
  }
}

/** Models and keys with settings of their own, each: their pairs are checked one by one. */
const MOST_OVERRIDES = 200

/** A config, which must not be used when there are problems. */
interface ReadConfig {
  config: MockConfig
  problems: string[]
}

const itself = (name: string): string => name

/**
 * Reads a whole config; what it leaves out has its default.
 * @param nameOf how a problem calls a setting: `--latency` where it came from that flag
 */
export function readConfig(written: WrittenConfig, nameOf = itself): ReadConfig {
  const { config, problems } = readSettings(written, nameOf)
  if (problems.length === 0) problems.push(...scenarioProblems(written, config, 0, nameOf))
  return { config, problems }
}

/** The same without what is wrong with its scenario once that goes on. */
export function readSettings(written: WrittenConfig, nameOf = itself): ReadConfig {
  const problems: string[] = []
  const given = written as Partial<Record<string, unknown>>
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(TABLE, name) || (STRUCTURED as readonly string[]).includes(name)) continue
    problems.push(`${nameOf(name)}: unknown; the settings are ${[...Object.keys(TABLE), ...STRUCTURED].join(', ')}`)
  }
  const read = (table: Record<string, Setting<unknown>>) => readTable(table, given, nameOf, problems)
  const answer = withDefaults(ANSWER_SETTINGS, read(ANSWER_SETTINGS)) as AnswerValues
  const running = withDefaults(RUNNING_SETTINGS, read(RUNNING_SETTINGS)) as RunningValues
  const start = withDefaults(START_SETTINGS, read(START_SETTINGS)) as StartValues
  const models = readOverrides(written.models, nameOf('models'), problems)
  const keys = readOverrides(written.keys, nameOf('keys'), problems)
  const strict = isGiven(written.strict) ? readStrict(written.strict, problems) : undefined
  const config: MockConfig = {
    ...{ ...start, ...running, answer, models, keys, strict },
    scenario: isGiven(written.scenario) ? readScenario(written.scenario, nameOf('scenario'), problems) : [],
    scenarioEveryMs: readScenarioEvery(written.scenarioEvery, nameOf('scenarioEvery'), problems),
  }
  // What could not be read has its default by now: there is nothing to be learned from comparing with that.
  if (problems.length === 0) problems.push(...contradictions(config, nameOf))
  return { config, problems }
}

function isGiven(written: unknown): boolean {
  return written !== undefined && written !== null
}

/** What was given of a table's settings, read. */
function readTable(
  table: Record<string, Setting<unknown>>,
  given: Partial<Record<string, unknown>>,
  nameOf: (name: string) => string,
  problems: string[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, { read }] of Object.entries(table)) {
    if (!isGiven(given[name])) continue
    const parsed = read(given[name])
    if (parsed.ok) values[name] = parsed.value
    else problems.push(`${nameOf(name)}: ${parsed.problem}`)
  }
  return values
}

function withDefaults(table: Record<string, Setting<unknown>>, values: Record<string, unknown>): unknown {
  for (const [name, { default: fallback, read }] of Object.entries(table)) {
    if (name in values || fallback === undefined) continue
    const parsed = read(fallback)
    if (parsed.ok) values[name] = parsed.value
  }
  return values
}

function readOverrides(written: unknown, name: string, problems: string[]): Map<string, Partial<AnswerValues>> {
  const overrides = new Map<string, Partial<AnswerValues>>()
  if (!isGiven(written)) return overrides
  if (!isFields(written)) {
    problems.push(`${name}: must be an object of settings by name, got ${JSON.stringify(written)}`)
    return overrides
  }
  const entries = Object.entries(written)
  if (entries.length > MOST_OVERRIDES) {
    problems.push(`${name}: must name at most ${MOST_OVERRIDES}, got ${entries.length}`)
    return overrides
  }
  for (const [of, settings] of entries) {
    const nameOf = (setting: string) => `${name}.${of}.${setting}`
    if (!isFields(settings)) {
      problems.push(`${name}.${of}: must be an object of settings, got ${JSON.stringify(settings)}`)
      continue
    }
    for (const setting of Object.keys(settings)) {
      if (Object.hasOwn(ANSWER_SETTINGS, setting)) continue
      problems.push(`${nameOf(setting)}: cannot be set here; what can is ${Object.keys(ANSWER_SETTINGS).join(', ')}`)
    }
    overrides.set(of, readTable(ANSWER_SETTINGS, settings, nameOf, problems))
  }
  return overrides
}

function readScenarioEvery(written: unknown, name: string, problems: string[]): number {
  if (!isGiven(written)) return 0
  const parsed = parseDurationMs(String(written))
  if (parsed.ok) return parsed.value
  problems.push(`${name}: ${parsed.problem}`)
  return 0
}

/**
 * What would be wrong once a step of the scenario has come, all before it included.
 * @param config as read from `written`, without problems
 * @param next the step that comes first
 */
export function scenarioProblems(
  written: WrittenConfig,
  { scenario, scenarioEveryMs }: MockConfig,
  next: number,
  nameOf = itself,
): string[] {
  const { scenario: _itself, scenarioEvery: _its, ...before } = written
  const round = [...scenario.entries()]
  const steps = round.slice(next)
  // A round begins with what the one before has left; the third is as the second.
  if (scenarioEveryMs > 0) steps.push(...round, ...round)
  let current: WrittenConfig = before
  for (const [index, { set }] of steps) {
    current = mergePatch(current, set) as WrittenConfig
    const { problems } = readSettings(current)
    if (problems.length > 0) return problems.map((problem) => `${nameOf('scenario')}[${index}].set.${problem}`)
  }
  return []
}

/** What is wrong with settings that are each right by themselves, for every mixture of them that a request can meet. */
function contradictions(
  { answer, models, keys, scenario, scenarioEveryMs }: MockConfig,
  nameOf: (name: string) => string,
): string[] {
  const found = contradictionsOf(answer, nameOf)
  if (found.length > 0) return found
  const layers = (name: string, overrides: MockConfig['models']) =>
    [...overrides].map(([of, values]) => ({ of: `${nameOf(name)}.${of}`, values }))
  const base = { of: '', values: {} }
  for (const model of [base, ...layers('models', models)]) {
    for (const key of [base, ...layers('keys', keys)]) {
      const where = [model.of, key.of].filter((of) => of !== '').join(' with ')
      if (where === '') continue
      const mixed = { ...answer, ...model.values, ...key.values }
      found.push(...contradictionsOf(mixed, (name) => `${where}: ${name}`))
    }
  }
  const lastMs = scenario.at(-1)?.atMs ?? 0
  if (scenarioEveryMs > 0 && scenarioEveryMs <= lastMs) {
    found.push(
      `${nameOf('scenarioEvery')}: must be above the last step's time (${lastMs} ms), got ${scenarioEveryMs} ms`,
    )
  }
  return found
}

function contradictionsOf(values: AnswerValues, nameOf: (name: string) => string): string[] {
  const found: string[] = []
  const lowestMs = values.latency.minimum / 1_000
  if (values.jitter > lowestMs) {
    found.push(
      `${nameOf('jitter')}: must not be above ${nameOf('latency')} (at the least ${lowestMs} ms), or delays would be negative; got ${values.jitter} ms`,
    )
  }
  const sum = faultShareSum(values)
  if (sum > 1) {
    const names = ['errorRate', 'errorRates', ...OTHER_RATES].map(nameOf)
    found.push(`${names.join(', ')}: a request has one fault at most, so their sum must be at most 1; got ${sum}`)
  }
  return found
}

const OTHER_RATES = Object.keys(ANSWER_SETTINGS).filter((name) => name.endsWith('Rate') && name !== 'errorRate')
