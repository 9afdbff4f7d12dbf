import { LabelSet, labelName, labelValue, OTHER } from './labels.ts'
import { RouteTraffic } from './route-traffic.ts'

export { RouteTraffic } from './route-traffic.ts'

/**
 * How much is told apart, at most. Callers choose label values and models, and each new one is a few hundred bytes to
 * a kilobyte here and up to seventy lines in `/metrics`.
 */
export const LIMITS = {
  /** Values of one label. */
  valuesPerLabel: 100,
  labelSets: 1_000,
  /** Models of one provider. */
  modelsPerProvider: 100,
  /** Provider, model and label set together. */
  routes: 2_000,
} as const

/** Label sets by the value of the first label, deeper by those of the labels after it. */
type LabelTree = Map<string, LabelTree | LabelSet>

/** All that was counted since the start, for every set of label values. One a gateway; outlives a reload. */
export class Traffic {
  /** As Prometheus has them. */
  readonly labelNames: readonly string[]
  /** Of requests without any label. */
  readonly unlabelled: LabelSet
  /** In order of appearance. */
  readonly sets: LabelSet[] = []
  private readonly tree: LabelTree = new Map()
  private readonly valuesSeen: readonly Set<string>[]
  private readonly modelsSeen = new Map<string, Set<string>>()
  private routeCount = 0

  /** @param labelNames as configured */
  constructor(labelNames: readonly string[]) {
    this.labelNames = labelNames.map(labelName)
    this.valuesSeen = labelNames.map(() => new Set<string>())
    this.unlabelled = this.addSet(labelNames.map(() => ''))
  }

  /**
   * The set with these values, made at first sight; beyond a limit, the one whose values say `other`.
   * @param values one for each configured label, '' where the request has none
   */
  labelSet(values: readonly string[]): LabelSet {
    return this.find(values) ?? this.unknownSet(values)
  }

  private find(values: readonly string[]): LabelSet | undefined {
    let node: LabelTree | LabelSet | undefined = this.tree
    for (let label = 0; label < values.length && node instanceof Map; label++) node = node.get(values[label]!)
    return node instanceof LabelSet ? node : undefined
  }

  /** Some value is new, too long or one too many, or values that are known have not met before. */
  private unknownSet(values: readonly string[]): LabelSet {
    const bounded = this.valuesSeen.map((seen, label) => {
      const value = labelValue(values[label] ?? '')
      if (value === '' || seen.has(value)) return value
      if (seen.size >= LIMITS.valuesPerLabel) return OTHER
      seen.add(value)
      return value
    })
    if (bounded.every((value) => value === '')) return this.unlabelled
    const known = this.find(bounded)
    if (known !== undefined) return known
    if (this.sets.length < LIMITS.labelSets) return this.addSet(bounded)
    const others = bounded.map(() => OTHER)
    return this.find(others) ?? this.addSet(others)
  }

  private addSet(values: readonly string[]): LabelSet {
    const set = new LabelSet(values, this.addRoute)
    this.sets.push(set)
    let node = this.tree
    values.forEach((value, label) => {
      if (label === values.length - 1) {
        node.set(value, set)
        return
      }
      const next = node.get(value) ?? new Map<string, LabelTree | LabelSet>()
      node.set(value, next)
      node = next as LabelTree
    })
    return set
  }

  private readonly addRoute = (set: LabelSet, provider: string, requested: string): RouteTraffic => {
    let routes = set.routes.get(provider)
    if (routes === undefined) {
      routes = new Map()
      set.routes.set(provider, routes)
    }
    const cut = labelValue(requested)
    const known = routes.get(cut)
    if (known !== undefined) return known
    const model = this.boundedModel(provider, cut)
    let route = routes.get(model)
    if (route === undefined) {
      route = new RouteTraffic(provider, model)
      routes.set(model, route)
      this.routeCount++
    }
    return route
  }

  private boundedModel(provider: string, model: string): string {
    let seen = this.modelsSeen.get(provider)
    if (seen === undefined) {
      seen = new Set()
      this.modelsSeen.set(provider, seen)
    }
    if (!seen.has(model) && seen.size >= LIMITS.modelsPerProvider) return OTHER
    if (this.routeCount >= LIMITS.routes) return OTHER
    seen.add(model)
    return model
  }
}
