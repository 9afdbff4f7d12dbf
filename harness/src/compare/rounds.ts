import type { Target } from '../targets/target.ts'
import { takeTurn, type TurnFigures, type TurnSetting } from './turn.ts'

/** One target of a comparison. */
export interface Entry {
  /** As it is called in the tables. */
  name: string
  /** What it is: a known name, a URL, a file. */
  kind: string
  target: Target
}

export interface RoundsObserver {
  onTurn: (where: { round: number; rounds: number; position: number; of: number; name: string }) => void
  onTurnEnd: (name: string, figures: TurnFigures) => void
  onRoundEnd: (round: number) => Promise<void>
}

/** A target that could not be measured so often in a row is given up: each try costs its whole start-up time. */
const TRIES_IN_VAIN = 2

/**
 * Every turn of every round, one after the other, in the given order. What has been measured stays in `turns`, by name, also
 * when it rejects.
 *
 * @param look Have each target's first turn look what it does to requests and answers.
 * @throws the signal's reason, when it is aborted.
 */
export async function takeRounds(
  order: readonly (readonly string[])[],
  entries: readonly Entry[],
  setting: TurnSetting,
  turns: Map<string, TurnFigures[]>,
  observer: RoundsObserver,
  look: boolean,
): Promise<void> {
  for (const [index, names] of order.entries()) {
    for (const [place, name] of names.entries()) {
      setting.signal.throwIfAborted()
      const entry = entries.find((each) => each.name === name)
      const before = turns.get(name) ?? []
      if (!entry || inVain(before)) continue
      const where = { round: index + 1, position: place + 1 }
      observer.onTurn({ ...where, rounds: order.length, of: names.length, name })
      const checkCorrectness = look && !before.some(({ correctness }) => correctness !== undefined)
      const figures = await takeTurn({ ...entry, ...where, checkCorrectness }, setting)
      turns.set(name, [...before, figures])
      observer.onTurnEnd(name, figures)
    }
    await observer.onRoundEnd(index + 1)
  }
}

function inVain(turns: readonly TurnFigures[]): boolean {
  const last = turns.slice(-TRIES_IN_VAIN)
  return last.length === TRIES_IN_VAIN && last.every(({ result }) => result === undefined)
}
