import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { divideLimits, type GatewayConfig, parseConfig } from './config.ts'

interface Limits {
  pool: number
  waitingMb: number
  concurrency: number
  buffer: number
  conns: number
  openAhead: number
}

function configWith({ pool, waitingMb, concurrency, buffer, conns, openAhead }: Limits): GatewayConfig {
  const file = {
    config: { initial_pool_size: pool, max_request_body_mb: 0.000_001, max_waiting_body_mb: waitingMb },
    providers: {
      openai: {
        keys: [{ value: 'x' }],
        concurrency_and_buffer_size: { concurrency, buffer_size: buffer },
        network_config: { max_conns_per_host: conns, open_ahead: openAhead },
      },
    },
  }
  return parseConfig(file, {}).config
}

/** Every limit that is divided, and whether a worker may have none of it. */
function limitsOf(config: GatewayConfig): Record<string, { value: number; mayBeZero?: true }> {
  const [provider] = config.providers
  assert.ok(provider)
  return {
    initialPoolSize: { value: config.initialPoolSize, mayBeZero: true },
    maxWaitingBodyBytes: { value: config.maxWaitingBodyBytes },
    concurrency: { value: provider.concurrency },
    bufferSize: { value: provider.bufferSize },
    maxConnsPerHost: { value: provider.network.maxConnsPerHost },
    openAhead: { value: provider.network.openAhead, mayBeZero: true },
  }
}

const limits = fc
  .record({
    pool: fc.nat(20_000),
    waitingMb: fc.integer({ min: 1, max: 1_000 }),
    buffer: fc.integer({ min: 1, max: 20_000 }),
    concurrency: fc.nat(20_000),
    conns: fc.integer({ min: 1, max: 20_000 }),
    openAhead: fc.nat(20_000),
  })
  .map((made): Limits => ({ ...made, concurrency: 1 + (made.concurrency % made.buffer) }))
const workerCounts = fc.integer({ min: 1, max: 64 })

describe('divideLimits', () => {
  test('what is left over goes to the first workers', () => {
    const config = configWith({ pool: 5, waitingMb: 1, concurrency: 7, buffer: 8, conns: 9, openAhead: 2 })
    const shares = [0, 1, 2].map((index) => divideLimits(config, 3, index))
    assert.deepEqual(
      shares.map((share) => [share.initialPoolSize, share.providers[0]?.concurrency, share.providers[0]?.bufferSize]),
      [
        [2, 3, 3],
        [2, 2, 3],
        [1, 2, 2],
      ],
    )
    assert.deepEqual(
      shares.map((share) => [share.providers[0]?.network.maxConnsPerHost, share.providers[0]?.network.openAhead]),
      [
        [3, 1],
        [3, 1],
        [3, 0],
      ],
    )
  })

  test('the shares are whole, add up to the total, and differ by one at most', () => {
    fc.assert(
      fc.property(limits, workerCounts, (made, workers) => {
        const config = configWith(made)
        const shares = Array.from({ length: workers }, (_, index) => limitsOf(divideLimits(config, workers, index)))
        for (const [name, { value: total, mayBeZero }] of Object.entries(limitsOf(config))) {
          const values = shares.map((share) => share[name]!.value)
          assert.ok(values.every(Number.isInteger), name)
          assert.ok(Math.max(...values) - Math.min(...values) <= 1, name)
          const sum = values.reduce((left, right) => left + right)
          assert.equal(sum, mayBeZero ? total : Math.max(total, workers), name)
        }
      }),
    )
  })

  test("a worker's concurrency stays within its buffer", () => {
    fc.assert(
      fc.property(limits, workerCounts, (made, workers) => {
        const config = configWith(made)
        for (let index = 0; index < workers; index++) {
          const [provider] = divideLimits(config, workers, index).providers
          assert.ok(provider && provider.concurrency <= provider.bufferSize)
        }
      }),
    )
  })

  test('everything else is as it was, and one worker has it all', () => {
    const config = configWith({ pool: 5, waitingMb: 1, concurrency: 7, buffer: 8, conns: 9, openAhead: 2 })
    assert.deepEqual(divideLimits(config, 1, 0), config)
    assert.equal(divideLimits(config, 2, 1).maxRequestBodyBytes, config.maxRequestBodyBytes)
  })

  test('there is no worker beyond the last', () => {
    const config = configWith({ pool: 5, waitingMb: 1, concurrency: 7, buffer: 8, conns: 9, openAhead: 2 })
    assert.throws(() => divideLimits(config, 2, 2), /index: must be a whole number from 0 to 1, got 2/)
    assert.throws(() => divideLimits(config, 0, 0), /workers: .*got 0/)
  })
})
