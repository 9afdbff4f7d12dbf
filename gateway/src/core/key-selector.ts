import type { KeyConfig } from '../config.ts'
import { GatewayError } from './errors.ts'

/** The keys that may serve one model, ready for a pick. */
interface Candidates {
  keys: readonly KeyConfig[]
  /** Running sums of the weights, in steps of 0.01. */
  cumulative: Float64Array
}

/** Callers choose model names freely; without a bound their inventions would fill the memory. */
const MAX_CACHED_MODELS = 1_000

/** Picks the upstream key for one request. */
export class KeySelector {
  private readonly keys: readonly KeyConfig[]
  private readonly byModel = new Map<string, Candidates>()

  constructor(keys: readonly KeyConfig[]) {
    this.keys = keys
  }

  get cachedModels(): number {
    return this.byModel.size
  }

  /**
   * @param random in [0, 1)
   * @throws GatewayError `no_key` when no key serves the model
   */
  pick(model: string, random: number): KeyConfig {
    return weighted(this.byModel.get(model) ?? this.filter(model), random)
  }

  /** As `pick`, among the keys that `eligible` lets through; undefined when there is none. */
  pickOther(model: string, random: number, eligible: (key: KeyConfig) => boolean): KeyConfig | undefined {
    const keys = (this.byModel.get(model) ?? this.filter(model)).keys.filter(eligible)
    return keys.length === 0 ? undefined : weighted(candidates(keys), random)
  }

  private filter(model: string): Candidates {
    const keys = this.keys.filter((key) => allows(key, model))
    if (keys.length === 0) throw new GatewayError('no_key', `no keys found that support model: ${model}`)
    const found = candidates(keys)
    if (this.byModel.size >= MAX_CACHED_MODELS) this.byModel.clear()
    this.byModel.set(model, found)
    return found
  }
}

function candidates(keys: readonly KeyConfig[]): Candidates {
  const steps = keys.map((key) => Math.round(key.weight * 100))
  // All zero means uniform; else a key of weight zero is never picked.
  const weights = steps.some((weight) => weight > 0) ? steps : steps.map(() => 1)
  let sum = 0
  return { keys, cumulative: Float64Array.from(weights, (weight) => (sum += weight)) }
}

function weighted({ keys, cumulative }: Candidates, random: number): KeyConfig {
  if (keys.length === 1) return keys[0]!
  const target = random * cumulative[keys.length - 1]!
  let low = 0
  let high = keys.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (cumulative[middle]! > target) high = middle
    else low = middle + 1
  }
  return keys[low]!
}

export function allows(key: KeyConfig, model: string): boolean {
  return key.enabled && (key.models === 'all' || key.models.includes(model)) && !key.blacklistedModels.includes(model)
}
