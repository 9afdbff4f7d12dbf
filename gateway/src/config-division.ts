import type { GatewayConfig, ProviderConfig } from './config.ts'

/**
 * One worker's share of the limits, so that all workers together have those of the configuration: the value per node
 * is the total divided by the nodes, whole numbers, what is left over going to the first ones.
 *
 * A limit that is smaller than the number of workers cannot be divided: each of them gets 1, and the sum is above the
 * total, for the limits that may not be 0.
 *
 * @param index of the worker, from 0
 * @throws RangeError when there is no such worker
 */
export function divideLimits(config: GatewayConfig, workers: number, index: number): GatewayConfig {
  if (!Number.isInteger(workers) || workers < 1) {
    throw new RangeError(`workers: must be a whole number from 1, got ${workers}`)
  }
  if (!Number.isInteger(index) || index < 0 || index >= workers) {
    throw new RangeError(`index: must be a whole number from 0 to ${workers - 1}, got ${index}`)
  }
  const share = (total: number): number => Math.floor(total / workers) + (index < total % workers ? 1 : 0)
  const atLeastOne = (total: number): number => Math.max(1, share(total))
  const divideProvider = (provider: ProviderConfig): ProviderConfig => ({
    ...provider,
    // Both shares grow with their totals, so a worker's concurrency stays within its buffer.
    concurrency: atLeastOne(provider.concurrency),
    bufferSize: atLeastOne(provider.bufferSize),
    network: {
      ...provider.network,
      maxConnsPerHost: atLeastOne(provider.network.maxConnsPerHost),
      openAhead: share(provider.network.openAhead),
    },
  })
  return {
    ...config,
    initialPoolSize: share(config.initialPoolSize),
    maxWaitingBodyBytes: atLeastOne(config.maxWaitingBodyBytes),
    providers: config.providers.map(divideProvider),
  }
}
