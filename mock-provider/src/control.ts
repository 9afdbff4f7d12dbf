import { Behaviours } from './behaviours.ts'
import type { Clock } from './clock.ts'
import { MockUsageError, readConfig, type MockConfig, type WrittenConfig } from './config.ts'
import { KeyPolicy } from './keys.ts'
import { mergePatch } from './merge-patch.ts'
import { START_SETTINGS, TABLE_DEFAULTS } from './settings.ts'
import { expectationsOf, type Expectations } from './strict-check.ts'
import { StrictTally } from './strict-tally.ts'
import type { StrictConfig } from './strict.ts'
import { isFields } from './wire/request-fields.ts'

/** What the mock does right now: replaced as a whole, so that a request never meets half of a change. */
export interface Running {
  readonly config: MockConfig
  readonly behaviours: Behaviours
  readonly keyPolicy: KeyPolicy
  /** Undefined when strict mode is off. */
  readonly strict: StrictMode | undefined
}

/** What requests are compared with, and what that has found since strict mode was set. */
export interface StrictMode {
  expected: Expectations
  /** Whether wrong requests are refused. */
  refuse: boolean
  tally: StrictTally
}

/** Holds what the mock does, changes it, and runs its scenario. */
export class Control {
  readonly #clock: Clock
  readonly #onChange: (running: Running) => void
  #written: WrittenConfig
  #running: Running
  #stepTimer: NodeJS.Timeout | undefined

  /**
   * @param onChange called after each change, and not for the first config
   * @throws {MockUsageError} with every problem at once
   */
  constructor(written: WrittenConfig, clock: Clock, onChange: (running: Running) => void = () => undefined) {
    this.#clock = clock
    this.#onChange = onChange
    this.#written = written
    this.#running = this.#compile(written)
  }

  get running(): Running {
    return this.#running
  }

  /** The config as it could be written down, defaults included, without the key of /admin. */
  get written(): WrittenConfig {
    const { adminKey: _secret, ...written } = { ...TABLE_DEFAULTS, ...this.#written }
    return written
  }

  /**
   * Changes the config, all of it or nothing. A patch that names the seed starts everything that is drawn anew; one that
   * names the scenario starts that.
   * @param patch a JSON Merge Patch: what it leaves out stays as it is, null is the default
   * @throws {MockUsageError} when it would not be right; then nothing has changed
   */
  change(patch: unknown): void {
    const written = this.merged(patch)
    const isSeeded = isFields(patch) && 'seed' in patch
    const keepsStrict = JSON.stringify(written.strict) === JSON.stringify(this.#written.strict)
    this.#running = this.#compile(
      written,
      isSeeded ? undefined : this.#running.behaviours,
      keepsStrict ? this.#running.strict : undefined,
    )
    this.#written = written
    if (isFields(patch) && ('scenario' in patch || 'scenarioEvery' in patch)) this.startScenario()
    this.#onChange(this.#running)
  }

  /**
   * What the config would be after a change.
   * @throws {MockUsageError}
   */
  merged(patch: unknown): WrittenConfig {
    if (!isFields(patch)) throw new MockUsageError(['the change must be a JSON object of settings'], WHERE)
    const fixed = Object.keys(START_SETTINGS).filter((name) => name in patch && !this.#isAsBefore(name, patch[name]))
    const written = mergePatch(this.#written, patch) as WrittenConfig
    const problems = fixed.map((name) => `${name}: is decided when the mock starts`)
    problems.push(...readConfig(written).problems)
    if (problems.length > 0) throw new MockUsageError(problems, WHERE)
    return written
  }

  /** Begins the scenario at its first step. @param elapsedMs how long ago it began */
  startScenario(elapsedMs = 0): void {
    this.stopScenario()
    const startNs = this.#clock() - elapsedMs * 1e6
    this.#runSteps(startNs, 0)
  }

  stopScenario(): void {
    clearTimeout(this.#stepTimer)
    this.#stepTimer = undefined
  }

  #runSteps(startNs: number, next: number): void {
    const { scenario, scenarioEveryMs } = this.#running.config
    const elapsedMs = (this.#clock() - startNs) / 1e6
    let index = next
    for (let step = scenario[index]; step && step.atMs <= elapsedMs; step = scenario[++index]) this.change(step.set)
    const step = scenario[index]
    if (step)
      this.#wakeAt(startNs + step.atMs * 1e6, () => {
        this.#runSteps(startNs, index)
      })
    else if (scenario.length > 0 && scenarioEveryMs > 0) {
      const againNs = startNs + scenarioEveryMs * 1e6
      this.#wakeAt(againNs, () => {
        this.#runSteps(againNs, 0)
      })
    }
  }

  #wakeAt(dueNs: number, wake: () => void): void {
    this.#stepTimer = setTimeout(wake, Math.max(0, Math.ceil((dueNs - this.#clock()) / 1e6)))
    // A timetable keeps no mock running.
    this.#stepTimer.unref()
  }

  #isAsBefore(name: string, value: unknown): boolean {
    const before = (this.written as Partial<Record<string, unknown>>)[name]
    return JSON.stringify(before) === JSON.stringify(value)
  }

  #compile(written: WrittenConfig, before?: Behaviours, strict?: StrictMode): Running {
    const { config, problems } = readConfig(written)
    if (problems.length > 0) throw new MockUsageError(problems, WHERE)
    return {
      config,
      behaviours: new Behaviours(config, written, this.#clock(), before),
      keyPolicy: new KeyPolicy(config),
      strict: strict ?? (config.strict && strictModeOf(config.strict)),
    }
  }
}

function strictModeOf(config: StrictConfig): StrictMode {
  return { expected: expectationsOf(config), refuse: config.refuse, tally: new StrictTally(config) }
}

const WHERE = 'the config'
