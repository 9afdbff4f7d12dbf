import prices from '../../prices.json' with { type: 'json' }

export interface Price {
  vcpus: number
  memoryGiB: number
  dollarsPerHour: number
}

export interface PriceList {
  /** Day on which the prices were written down. */
  asOf: string
  source: string
  instances: Readonly<Record<string, Price>>
}

/** `prices.json` of this package: on-demand prices, dated. */
export const PRICES: PriceList = prices

export function instanceNames(): string[] {
  return Object.keys(PRICES.instances)
}

/**
 * Dollars for a million requests by their CPU alone: an instance of `vcpus` has 3,600 s x vcpus of CPU time an hour, all of
 * it taken to be used. Real machines are not run so full, and need memory and network as well: it is a lower bound, and the
 * same for all.
 */
export function dollarsPerMillion(cpuUsPerRequest: number, { vcpus, dollarsPerHour }: Price): number {
  const requestsPerHour = (3_600e6 * vcpus) / cpuUsPerRequest
  return (dollarsPerHour / requestsPerHour) * 1e6
}
