import { join } from 'node:path'
import type { Interval } from '../compare/record.ts'
import { readClaim, type Claim } from './claim.ts'
import type { Measured } from './metrics.ts'
import { plannedTest, type Here, type TestablePlan } from './planned-test.ts'

export const CLAIMS_DIR = join(import.meta.dirname, '../../claims')

export const shippedClaim = (id: string) => readClaim(join(CLAIMS_DIR, `${id}.json`))

/** A claim of one gateway on a t3.medium, with the figures given. */
export function claimOf(figures: Claim['figures'], change: Partial<Claim> = {}): Claim {
  return {
    id: 'example',
    who: 'Example',
    gateway: 'Example Gateway',
    source: { title: 'Example docs' },
    claim: 'It is fast.',
    target: 'builtin',
    conditions: { ratePerSec: 1_000, mockLatencyMs: 100, machine: { instance: 't3.medium' } },
    figures,
    ...change,
  }
}

export const figureOf = (change: Partial<Claim['figures'][number]>): Claim['figures'][number] => ({
  metric: 'published_overhead',
  value: 10,
  unit: 'us',
  definition: 'overhead',
  comparison: 'at_most',
  ...change,
})

/** Two cores off EC2, with two targets. */
export const HERE: Here = {
  vcpus: 2,
  memoryMiB: 24_000,
  instanceType: null,
  cpuModel: 'Intel Xeon',
  targets: {
    builtin: { installed: true, version: '0.1.0' },
    litellm: { installed: true, version: '1.81.0' },
    portkey: { installed: false, reason: 'npm package @portkey-ai/gateway is not there' },
  },
}

export const T3_MEDIUM: Here = { ...HERE, memoryMiB: 3_900, instanceType: 't3.medium' }

export function testable(claim: Claim, here: Here = HERE): TestablePlan {
  const plan = plannedTest(claim, here)
  if (!plan.testable) throw new Error(plan.why.join('; '))
  return plan
}

export const interval = (value: number, low: number, high: number): Interval => ({ value, low, high })

/** A valid run that carried 1,000 requests per second. */
export const measuredOf = (change: Partial<Measured> = {}): Measured => ({
  valid: true,
  failedChecks: [],
  completedPerSec: 1_000,
  successRate: 1,
  ...change,
})
