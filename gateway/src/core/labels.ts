import { BOUNDS, BucketHistogram } from './bucket-histogram.ts'
import type { RequestType } from './providers/provider.ts'
import type { RouteTraffic } from './route-traffic.ts'

/** Longest label value, characters: what callers and models are called comes from outside. */
const MAX_VALUE_CHARS = 128

/** Stands for everything beyond a limit on the number of values. */
export const OTHER = 'other'

/** What `/metrics` can carry: cut, and without half characters, which would all turn into the same one in UTF-8. */
export function labelValue(text: string): string {
  return text.slice(0, MAX_VALUE_CHARS).toWellFormed()
}

/** A configured label's name as Prometheus has it. */
export function labelName(configured: string): string {
  return configured.replaceAll('-', '_')
}

/** Finished requests of one type. */
export class TypeTraffic {
  readonly byStatus = new Map<number, number>()
  readonly durationS = new BucketHistogram(BOUNDS.latencyS)
  /** Everything but http_request. */
  readonly overheadUs = new BucketHistogram(BOUNDS.overheadUs)
}

/** Who counts for a provider and a model; asked once for each of these in a label set. */
export type RouteSource = (set: LabelSet, provider: string, model: string) => RouteTraffic

/** The values of the configured labels that some requests share, and what was counted for these requests. */
export class LabelSet {
  /** In the order of the configured names; '' where a request has none. */
  readonly values: readonly string[]
  readonly types = new Map<RequestType, TypeTraffic>()
  /** By provider, then by model. */
  readonly routes = new Map<string, Map<string, RouteTraffic>>()
  private readonly makeRoute: RouteSource

  constructor(values: readonly string[], makeRoute: RouteSource) {
    this.values = values
    this.makeRoute = makeRoute
  }

  /** What counts for this provider and model: the model itself, or `other` once there are too many. */
  route(provider: string, model: string): RouteTraffic {
    return this.routes.get(provider)?.get(model) ?? this.makeRoute(this, provider, model)
  }

  /**
   * A request has ended, whatever its way through the gateway was.
   * @param totalNs its whole time
   * @param upstreamNs its time in http_request
   */
  finished(type: RequestType, status: number, totalNs: number, upstreamNs: number): void {
    let traffic = this.types.get(type)
    if (traffic === undefined) {
      traffic = new TypeTraffic()
      this.types.set(type, traffic)
    }
    traffic.byStatus.set(status, (traffic.byStatus.get(status) ?? 0) + 1)
    traffic.durationS.observe(totalNs / 1e9)
    traffic.overheadUs.observe((totalNs - upstreamNs) / 1e3)
  }
}
