import { Behaviours } from './behaviours.ts'
import type { Clock } from './clock.ts'
import {
  MockUsageError,
  readConfig,
  readSettings,
  scenarioProblems,
  type MockConfig,
  type WrittenConfig,
} from './config.ts'
import { KeyPolicy } from './keys.ts'
import { mergePatch } from './merge-patch.ts'
import { seedOfProcess } from './random.ts'
import { START_SETTINGS, TABLE_DEFAULTS } from './settings.ts'
import { expectationsOf, type Expectations } from './strict-check.ts'
import { StrictTally } from './strict-tally.ts'
import type { StrictConfig } from './strict.ts'
import { isDeeper, isFields } from './wire/request-fields.ts'

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

/** Called after each change, and not for the first config. @param patch what was changed, right as it is */
export type OnChange = (running: Running, patch: WrittenConfig) => void

/** Holds what the mock does, changes it, and runs its scenario. */
export class Control {
  readonly #clock: Clock
  readonly #onChange: OnChange
  readonly #process: number
  #written: WrittenConfig
  #running: Running
  #stepTimer: NodeJS.Timeout | undefined
  /** The scenario's step that comes first from now on. */
  #nextStep = 0

  /**
   * @param process which of several this is, from 0: each draws for itself
   * @throws {MockUsageError} with every problem at once
   */
  constructor(written: WrittenConfig, clock: Clock, onChange: OnChange = () => undefined, process = 0) {
    this.#clock = clock
    this.#onChange = onChange
    this.#process = process
    this.#written = written
    const { config, problems } = readConfig(written)
    if (problems.length > 0) throw new MockUsageError(problems, WHERE)
    this.#running = this.#runningOf(config, written)
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
   * Changes the config, all of it or nothing. A patch that names the seed starts all draws for answers anew; one that
   * names the scenario starts that.
   * @param patch a JSON Merge Patch: what it leaves out stays as it is, null is the default
   * @throws {MockUsageError} when it would not be right; then nothing has changed
   */
  change(patch: unknown): void {
    if (!isFields(patch)) throw new MockUsageError(['the change must be a JSON object of settings'], WHERE)
    if (isDeeper(patch, DEEPEST)) throw new MockUsageError([`the change has more than ${DEEPEST} levels`], WHERE)
    const startsScenario = 'scenario' in patch || 'scenarioEvery' in patch
    const fixed = Object.keys(START_SETTINGS).filter((name) => name in patch && !this.#isAsBefore(name, patch[name]))
    const written = mergePatch(this.#written, patch) as WrittenConfig
    const { config, problems } = readSettings(written)
    if (problems.length === 0) problems.push(...scenarioProblems(written, config, startsScenario ? 0 : this.#nextStep))
    problems.unshift(...fixed.map((name) => `${name}: is decided when the mock starts`))
    if (problems.length > 0) throw new MockUsageError(problems, WHERE)
    this.#become(config, written, patch)
    if (startsScenario) this.startScenario()
  }

  /**
   * Changes the config by what has been found right already: a step of the scenario, where that is about to come, or
   * what another process with the same config tells. Starts no scenario.
   */
  follow(patch: WrittenConfig): void {
    const written = mergePatch(this.#written, patch) as WrittenConfig
    this.#become(readSettings(written).config, written, patch)
  }

  /** Begins the scenario at its first step. */
  startScenario(): void {
    this.stopScenario()
    this.#runSteps(this.#clock(), 0)
  }

  stopScenario(): void {
    clearTimeout(this.#stepTimer)
    this.#stepTimer = undefined
  }

  #runSteps(startNs: number, next: number): void {
    const { scenario, scenarioEveryMs } = this.#running.config
    const elapsedMs = (this.#clock() - startNs) / 1e6
    this.#nextStep = next
    for (let step = scenario[next]; step && step.atMs <= elapsedMs; step = scenario[this.#nextStep]) {
      this.#nextStep++
      this.follow(step.set)
    }
    const step = scenario[this.#nextStep]
    if (step) {
      this.#wakeAt(startNs + step.atMs * 1e6, () => {
        this.#runSteps(startNs, this.#nextStep)
      })
    } else if (scenario.length > 0 && scenarioEveryMs > 0) {
      // One round is enough, however many were missed: each leaves the same.
      const rounds = Math.max(1, Math.floor(elapsedMs / scenarioEveryMs))
      const againNs = startNs + rounds * scenarioEveryMs * 1e6
      this.#wakeAt(againNs, () => {
        this.#runSteps(againNs, 0)
      })
    }
  }

  #wakeAt(dueNs: number, wake: () => void): void {
    const dueMs = Math.ceil((dueNs - this.#clock()) / 1e6)
    // Woken too early, it waits again.
    this.#stepTimer = setTimeout(wake, Math.min(Math.max(0, dueMs), LONGEST_TIMER_MS))
    // A timetable keeps no mock running.
    this.#stepTimer.unref()
  }

  #isAsBefore(name: string, value: unknown): boolean {
    const before = (this.written as Partial<Record<string, unknown>>)[name]
    return JSON.stringify(before) === JSON.stringify(value)
  }

  #become(config: MockConfig, written: WrittenConfig, patch: WrittenConfig): void {
    const { behaviours, strict } = this.#running
    const keepsStrict = JSON.stringify(written.strict) === JSON.stringify(this.#written.strict)
    this.#running = this.#runningOf(
      config,
      written,
      'seed' in patch ? undefined : behaviours,
      keepsStrict ? strict : undefined,
    )
    this.#written = written
    this.#onChange(this.#running, patch)
  }

  #runningOf(config: MockConfig, written: WrittenConfig, before?: Behaviours, strict?: StrictMode): Running {
    const seed = seedOfProcess(config.seed, this.#process)
    return {
      config,
      behaviours: new Behaviours({ ...config, seed }, written, this.#clock(), before),
      keyPolicy: new KeyPolicy(config),
      strict: strict ?? (config.strict && strictModeOf(config.strict)),
    }
  }
}

function strictModeOf(config: StrictConfig): StrictMode {
  return { expected: expectationsOf(config), refuse: config.refuse, tally: new StrictTally(config) }
}

const WHERE = 'the config'
// Beyond what any setting has, and no use of the stack.
const DEEPEST = 100
// setTimeout takes no more.
const LONGEST_TIMER_MS = 2 ** 31 - 1
