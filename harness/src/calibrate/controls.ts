import { addedDifference } from '../compare/added-latency.ts'
import type { CompareConfig } from '../compare/config.ts'
import { addedTurns } from '../compare/draw-up.ts'
import { shuffledRounds } from '../compare/order.ts'
import type { Control, ControlRecord, Interval } from '../compare/record.ts'
import { takeRounds, type Entry, type RoundsObserver } from '../compare/rounds.ts'
import type { TurnFigures, TurnSetting } from '../compare/turn.ts'
import { TargetError } from '../errors.ts'
import { seededRandom, type Random } from '../random.ts'
import { heldBy, relayTarget } from '../targets/relay.ts'
import type { RunningTarget, Target } from '../targets/target.ts'

/**
 * Negative controls: relays that add nothing and relays that add a known delay, measured by the method of a comparison. It must
 * find what was added, and must find nothing between two relays that add nothing.
 */

const SPLICE = 'splice'
const SPLICE_AGAIN = 'splice-again'

/** Delays that a calibration adds, us. */
export const CONTROL_DELAYS_US = [100, 500, 2_000] as const
/** Of the short form before a comparison: more turns would take longer than what is to be measured. */
export const SHORT_DELAYS_US = [100] as const

export interface ControlOptions {
  delaysUs: readonly number[]
  setting: TurnSetting
  observer: RoundsObserver
  /** Filled turn by turn, for who wants to look at them. @default its own */
  turns?: Map<string, TurnFigures[]>
}

/** What a comparison's configuration becomes for the short form before it. */
export function shortControls(config: CompareConfig): CompareConfig {
  return {
    ...config,
    durationMs: Math.min(config.durationMs, 4_000),
    warmupMs: Math.min(config.warmupMs, Math.max(1_500, config.mockLatencyMs + config.mockJitterMs)),
    cooldownMs: 0,
  }
}

/** @throws {TargetError} when two relays that add nothing could not both be measured; the signal's reason, when it is aborted. */
export async function measureControls({
  delaysUs,
  setting,
  observer,
  turns = new Map(),
}: ControlOptions): Promise<ControlRecord> {
  const { config } = setting
  const relays = [
    new WatchedRelay(relayTarget(0, SPLICE), 0),
    new WatchedRelay(relayTarget(0, SPLICE_AGAIN), 0),
    ...delaysUs.map((delayUs) => new WatchedRelay(relayTarget(delayUs), delayUs)),
  ]
  const entries = relays.map(({ target }): Entry => ({ name: target.name, kind: target.name, target }))
  const random = seededRandom(config.seed)
  const order = shuffledRounds(
    entries.map(({ name }) => name),
    config.rounds,
    random,
  )
  // Nobody asks what a relay's memory is.
  await takeRounds(order, entries, { ...setting, settleMs: 0 }, turns, observer, false)
  return drawUpControls(config, relays, turns, random)
}

/** A relay's target, and what its processes said that they held. */
class WatchedRelay {
  readonly target: Target
  readonly delayUs: number
  readonly #started: RunningTarget[] = []

  constructor(target: Target, delayUs: number) {
    this.delayUs = delayUs
    this.target = {
      ...target,
      start: async (context) => {
        const running = await target.start(context)
        this.#started.push(running)
        return running
      },
    }
  }

  /** Mean over all that its processes held; undefined before they were stopped. */
  get heldUs(): number | undefined {
    const held = this.#started.map(heldBy).filter((each) => each !== undefined)
    const count = held.reduce((sum, each) => sum + each.count, 0)
    return count === 0 ? undefined : held.reduce((sum, each) => sum + each.meanUs * each.count, 0) / count
  }
}

function drawUpControls(
  config: CompareConfig,
  relays: readonly WatchedRelay[],
  turns: ReadonlyMap<string, TurnFigures[]>,
  random: Random,
): ControlRecord {
  const aboveSplice = (name: string): Interval | undefined => {
    const [of, than] = [name, SPLICE].map((each) => addedTurns({ turns: turns.get(each) ?? [] }))
    return addedDifference(of!, than!, { random })?.meanUs
  }
  const spliceHeldUs = relays[0]!.heldUs
  const nullUs = aboveSplice(SPLICE_AGAIN)
  if (!nullUs) {
    const problems = [...turns.values()].flat().flatMap(({ turn: { problem } }) => problem ?? [])
    throw new TargetError(`the negative controls could not be measured: ${problems[0] ?? 'no turn was valid'}`)
  }
  const controls = relays.slice(2).map(({ target: { name }, delayUs, heldUs }): Control => {
    const foundUs = aboveSplice(name)
    const actualUs = heldUs !== undefined && spliceHeldUs !== undefined ? heldUs - spliceHeldUs : undefined
    return {
      name,
      plannedUs: delayUs,
      ...(actualUs !== undefined && { actualUs }),
      ...(foundUs && { foundUs }),
      holds: foundUs !== undefined && agrees(foundUs, actualUs ?? delayUs),
      told: foundUs !== undefined && foundUs.low > 0,
    }
  })
  return {
    ratePerSec: config.ratePerSec,
    durationMs: config.durationMs,
    rounds: config.rounds,
    mockLatencyMs: config.mockLatencyMs,
    controls,
    nullUs,
    // No difference as large as those that come out between alike targets is told from none.
    smallestUs: Math.max(Math.abs(nullUs.low), Math.abs(nullUs.high)),
  }
}

/** What was added lies inside the interval of what was found. */
function agrees({ low, high }: Interval, addedUs: number): boolean {
  return low <= addedUs && addedUs <= high
}
