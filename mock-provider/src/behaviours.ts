import type { Behaviour, IntervalsOf } from './behaviour.ts'
import type { MockConfig, WrittenConfig } from './config.ts'
import type { Distribution } from './distribution.ts'
import { randomFaults } from './fault-model.ts'
import { faultSharesOf } from './fault-shares.ts'
import { drawnLatency, withJitter, withOverTime, withPromptTokens, type LatencyModel } from './latency-model.ts'
import { seededRandom, type Random } from './random.ts'
import { RateLimits } from './rate-limits.ts'
import { ServerQueue } from './server-queue.ts'
import type { AnswerSettingName, AnswerValues } from './settings.ts'
import { asciiJson } from './completion.ts'
import { isFields } from './wire/request-fields.ts'

/** Chance for everything that is drawn: a stream each, so that a rate of faults leaves the planned delays as they are. */
class Chance {
  readonly delays: Random
  readonly faults: Random
  readonly sizes: Random
  readonly tokens: Random
  readonly #seed: number

  constructor(seed: number) {
    const stream = (number: number) => seededRandom((seed + number * 0x7fff_ffff) >>> 0)
    this.#seed = seed
    this.delays = stream(0)
    this.faults = stream(1)
    this.sizes = stream(2)
    this.tokens = stream(3)
  }

  /** A stream of chance for the intervals of one answer, the same each time that it is asked. */
  intervals(sequence: number): Random {
    return seededRandom((this.#seed ^ Math.imul(sequence, 0x9e37_79b1)) >>> 0)
  }
}

/** Settings from one place: the mock's own, a model's, or a key's. */
interface Layer {
  name: string
  values: Partial<AnswerValues>
  written: Partial<Record<string, unknown>>
}

/** A setting where it was given. */
interface Owner {
  layer: Layer
  name: AnswerSettingName
}

/** What goes on from answer to answer, and for which settings it was made. */
interface Kept {
  value: unknown
  owners: readonly Owner[]
}

const LONGEST_US = 3_600_000_000
/** Pairs of model and key that are remembered; there are more only by hundreds of each. */
const MOST_COMPILED = 10_000

/**
 * How requests are answered, by API key and model. What goes on from answer to answer (a trace's place, a queue, a
 * bucket) belongs to the layer that set it, and outlives a change of other settings.
 */
export class Behaviours {
  readonly #base: Layer
  readonly #models = new Map<string, Layer>()
  readonly #keys = new Map<string, Layer>()
  readonly #compiled = new Map<string, Behaviour>()
  readonly #chance: Chance
  readonly #kept = new Map<string, Kept>()
  readonly #nowNs: number

  /**
   * @param written what `config` was read from
   * @param nowNs from when factors over time count, where they are new
   * @param before what these replace, of the same seed
   */
  constructor(config: MockConfig, written: WrittenConfig, nowNs: number, before?: Behaviours) {
    this.#nowNs = nowNs
    this.#chance = before ? before.#chance : new Chance(config.seed)
    this.#base = { name: 'mock', values: config.answer, written }
    const layersOf = (kind: 'models' | 'keys') =>
      [...config[kind]].map(([name, values]): [string, Layer] => {
        const all = written[kind]
        const own = isFields(all) ? all[name] : undefined
        return [name, { name: `${kind}.${name}`, values, written: isFields(own) ? own : {} }]
      })
    // Requests have their model as the JSON that goes into the answer.
    for (const [model, layer] of layersOf('models')) this.#models.set(asciiJson(model), layer)
    for (const [key, layer] of layersOf('keys')) this.#keys.set(key, layer)
    const layers = [this.#base, ...this.#models.values(), ...this.#keys.values()]
    if (before) this.#goOn(before, new Map(layers.map((layer) => [layer.name, layer])))
    // Now, and not with the first request: their time counts from when they were set.
    for (const layer of layers) if ('latencyOverTime' in layer.values) this.#sinceNs(layer)
  }

  /** Takes over what goes on: all whose settings are where they were, written as they were. */
  #goOn(before: Behaviours, layers: ReadonlyMap<string, Layer>): void {
    for (const [id, kept] of before.#kept) {
      const isAsBefore = ({ layer, name }: Owner) => {
        const now = layers.get(layer.name)
        return now !== undefined && isSame(now.written[name], layer.written[name])
      }
      if (kept.owners.every(isAsBefore)) this.#kept.set(id, kept)
    }
  }

  /** @param modelJson as `asciiJson` gives it */
  of(key: string | undefined, modelJson: string): Behaviour {
    const model = this.#models.size === 0 ? undefined : this.#models.get(modelJson)
    const keyLayer = key === undefined ? undefined : this.#keys.get(key)
    const name = model || keyLayer ? `${model?.name ?? ''}\n${keyLayer?.name ?? ''}` : ''
    let behaviour = this.#compiled.get(name)
    if (!behaviour) {
      if (this.#compiled.size >= MOST_COMPILED) this.#compiled.clear()
      behaviour = this.#compile([this.#base, model, keyLayer].filter((layer) => layer !== undefined))
      this.#compiled.set(name, behaviour)
    }
    return behaviour
  }

  #compile(layers: readonly Layer[]): Behaviour {
    const values = layers.reduce<Partial<AnswerValues>>(
      (all, layer) => ({ ...all, ...layer.values }),
      {},
    ) as AnswerValues
    const ownerOf = (name: AnswerSettingName): Owner => {
      return { name, layer: layers.findLast(({ values }) => name in values) ?? this.#base }
    }
    const keep = <T>(name: AnswerSettingName, make: () => T): T => this.#keep([ownerOf(name)], make)
    const sampled = (name: AnswerSettingName, distribution: Distribution, random: Random) =>
      keep(name, () => distribution.sampler(random))

    const { delays, sizes, tokens } = this.#chance
    const sinceNs = this.#sinceNs(ownerOf('latencyOverTime').layer)
    const modelOf = (model: LatencyModel) =>
      withOverTime(withPromptTokens(model, values.latencyPerPromptToken * 1_000), values.latencyOverTime, sinceNs)
    const whole = modelOf(
      withJitter(drawnLatency(sampled('latency', values.latency, delays)), Math.round(values.jitter * 1_000), delays),
    )
    const first = values.firstToken ? modelOf(drawnLatency(sampled('firstToken', values.firstToken, delays))) : whole
    const queue = values.servers > 0 ? keep('servers', () => new ServerQueue(values.servers)) : undefined
    const { responseSize, requestsPerMinute, tokensPerMinute } = values
    const isLimited = requestsPerMinute !== undefined || tokensPerMinute !== undefined
    const limitedBy = [ownerOf('requestsPerMinute'), ownerOf('tokensPerMinute')]
    return {
      nextDelayUs(arrival) {
        const serviceUs = bounded(whole.nextDelayUs(arrival))
        return queue ? bounded(queue.delayUs(arrival.receivedNs, serviceUs)) : serviceUs
      },
      nextFirstTokenUs(arrival, restUs) {
        const firstUs = bounded(first.nextDelayUs(arrival))
        if (!queue) return firstUs
        const laterUs = restUs()
        return bounded(queue.delayUs(arrival.receivedNs, firstUs + laterUs) - laterUs)
      },
      nextResponseBytes: responseSize === 'tokens' ? () => undefined : sampled('responseSize', responseSize, sizes),
      nextTokens: sampled('tokens', values.tokens, tokens),
      nextFault: randomFaults(faultSharesOf(values), this.#chance.faults),
      tokensPerChunk: values.tokensPerChunk,
      intervalsOf: this.#intervalsOf(values),
      limits: isLimited
        ? this.#keep(limitedBy, () => new RateLimits({ requestsPerMinute, tokensPerMinute }))
        : undefined,
    }
  }

  #intervalsOf({ tokenInterval, tokensPerChunk }: AnswerValues): IntervalsOf {
    const nsOf = (us: number) => us * 1_000 * tokensPerChunk
    if (tokenInterval.isFixed) {
      const intervalNs = nsOf(tokenInterval.minimum)
      const next = () => intervalNs
      return () => next
    }
    return (sequence) => {
      const nextUs = tokenInterval.sampler(this.#chance.intervals(sequence))
      return () => nsOf(nextUs())
    }
  }

  /** From when the layer's factors over time count. */
  #sinceNs(layer: Layer): number {
    return this.#keep([{ layer, name: 'latencyOverTime' }], () => this.#nowNs)
  }

  #keep<T>(owners: readonly Owner[], make: () => T): T {
    const id = owners.map(({ layer, name }) => `${layer.name} ${name}`).join('\n')
    const kept = this.#kept.get(id) ?? { value: make(), owners }
    this.#kept.set(id, kept)
    return kept.value as T
  }
}

function isSame(written: unknown, before: unknown): boolean {
  return written === before || JSON.stringify(written) === JSON.stringify(before)
}

/** The id has room for an hour. */
function bounded(us: number): number {
  return Math.min(Math.max(0, Math.round(us)), LONGEST_US)
}
