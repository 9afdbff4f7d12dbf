import type { Behaviour } from './behaviour.ts'
import { asciiJson } from './completion.ts'
import type { WrittenConfig } from './config.ts'
import { Control } from './control.ts'

/** What the tests of behaviours share: a config that is asked for answers, on a clock that stands still. */

/** Who asks, and for what; by default nobody in particular, for the model m. */
export interface Asking {
  key?: string
  model?: string
  promptTokens?: number
}

export interface Asked {
  control: Control
  /** Sets the clock. */
  at: (sec: number) => void
  behaviour: (asking?: Asking) => Behaviour
  /** Delays of the next answers that are given whole, ms. */
  delaysMs: (count: number, asking?: Asking) => number[]
  /** Delays of the first tokens of the next streams, ms. @param restMs from that to the last token of each */
  firstTokensMs: (count: number, restMs?: number, asking?: Asking) => number[]
}

/** A mock's decisions without the mock. */
export function asked(written: WrittenConfig): Asked {
  let nowNs = 0
  const control = new Control(written, () => nowNs)
  const behaviour = ({ key, model = 'm' }: Asking = {}) => control.running.behaviours.of(key, asciiJson(model))
  const arrival = ({ promptTokens = 0 }: Asking = {}) => ({ promptTokens, receivedNs: nowNs })
  const several = (count: number, nextUs: () => number) => Array.from({ length: count }, () => nextUs() / 1_000)
  return {
    control,
    at: (sec) => (nowNs = sec * 1e9),
    behaviour,
    delaysMs: (count, asking) => several(count, () => behaviour(asking).nextDelayUs(arrival(asking))),
    firstTokensMs: (count, restMs = 0, asking) =>
      several(count, () => behaviour(asking).nextFirstTokenUs(arrival(asking), () => restMs * 1_000)),
  }
}
