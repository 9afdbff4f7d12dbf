import type { StageName } from '@gatebench/gateway/stages'
import figures from '../published-results.json' with { type: 'json' }
import { formatCount } from './units.ts'

/** What somebody else published for one profile: measured on other machines, with other software. */
export interface PublishedFigures {
  /** Whose gateway it was. */
  name: string
  profile: string
  source: string
  /** Load, payload, machine and settings as published, one sentence each. */
  conditions: string[]
  ratePerSec: number
  /** 1 KB = 1,000 bytes, as the payload sizes of the profiles take it. */
  requestKB: number
  responseKB: number
  successRatePct: number
  averageLatencyMs: number
  /** As published; whether 10^6 or 2^20 bytes was meant is not said. */
  peakMemoryMB: number
  stagesUs: Record<StageName, number>
  /** By the published definition, us. */
  overheadUs: number
}

const PROFILES = ['t3.medium', 't3.xlarge'] as const

/** The published figures of the profile of that name; undefined when there are none. */
export function publishedFigures(profile: string): PublishedFigures | undefined {
  const known = PROFILES.find((name) => name === profile)
  if (known === undefined) return undefined
  const { source, conditions } = figures.bifrost
  const column = figures.bifrost[known]
  return {
    name: 'Bifrost',
    profile: known,
    source,
    conditions: [
      `${known} on EC2, ${column.vcpus} vCPU, ${column.memoryGiB} GiB`,
      `${formatCount(conditions.ratePerSec)} requests per second against a ${conditions.provider}`,
      `request ${column.requestKB} KB, answer ${column.responseKB} KB`,
      `buffer size ${formatCount(column.bufferSize)}, initial pool size ${formatCount(column.initialPoolSize)}`,
      `overhead: ${conditions.overheadDefinition}`,
    ],
    ratePerSec: conditions.ratePerSec,
    requestKB: column.requestKB,
    responseKB: column.responseKB,
    successRatePct: column.successRatePct,
    averageLatencyMs: column.averageLatencyMs,
    peakMemoryMB: column.peakMemoryMB,
    stagesUs: column.stagesUs,
    overheadUs: column.overheadUs,
  }
}
