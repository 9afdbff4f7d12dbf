import { SEGMENTS } from '@gatebench/gateway/stages'
import type { Result } from './recording.ts'

/** What a report states beyond the figures of result.json themselves. */

export interface Grade {
  good: boolean
  /** Requests of the plan that were not answered with a whole 2xx. */
  lost: number
}

/**
 * The gateway's own result, apart from the verdict on the measurement. Against a mock that never fails, nothing is
 * lost for a good reason, so one lost request makes it bad. What an interrupted run never sent is nobody's failure.
 */
export function grade(result: Result): Grade {
  const { planned, ok, failed } = result.requests
  const lost = result.interrupted === true ? failed : planned - ok
  return { good: lost === 0 && ok > 0, lost }
}

/** Who pays for a row of the ledger. */
export type Owner = 'gateway' | 'mock' | 'transport' | 'gateway and transport' | 'generator' | 'other'

const SEGMENT_BY_NAME = new Map<string, (typeof SEGMENTS)[number]>(SEGMENTS.map((segment) => [segment.name, segment]))

/** `json_marshaling` to its title in tables, and a name that is no segment to plain words. */
export function titleOf(name: string): string {
  const words = name.replace(/^(client|gateway)_(gateway|mock)_/, '$1-$2 ').replaceAll('_', ' ')
  return SEGMENT_BY_NAME.get(name)?.title ?? words.charAt(0).toUpperCase() + words.slice(1)
}

/** A segment belongs to the gateway; the other rows say whose they are in their names. */
export function ownerOf(rowName: string): Owner {
  if (SEGMENT_BY_NAME.has(rowName)) return 'gateway'
  if (rowName === 'gateway_and_transport') return 'gateway and transport'
  if (rowName.endsWith('_transport')) return 'transport'
  if (rowName.includes('mock')) return 'mock'
  return rowName.startsWith('generator') ? 'generator' : 'other'
}

/** Waiting before a further try: without one, a row of it would only say that there was none. */
const ONLY_WITH_RETRIES = 'retry_backoff'

/** A row that has something to say, by its mean; undefined where none was measured. */
export function isWorthARow(name: string, mean: number | undefined): boolean {
  return name !== ONLY_WITH_RETRIES || (mean !== undefined && mean > 0)
}

export interface LedgerLine {
  name: string
  owner: Owner | ''
  title: string
  meanUs: number
  /** Percentage of the mean service time. */
  sharePct: number
  covers?: string
}

/** The ledger's rows with their shares, the unattributed rest last. */
export function ledgerLines(ledger: NonNullable<Result['ledgerUs']>): LedgerLine[] {
  const share = (us: number) => (ledger.total === 0 ? 0 : (us / ledger.total) * 100)
  const worth = ledger.rows.filter(({ name, mean }) => isWorthARow(name, mean))
  const rows = worth.map(({ name, mean, covers }): LedgerLine => {
    const what = covers ?? SEGMENT_BY_NAME.get(name)?.covers
    const line = { name, owner: ownerOf(name), title: titleOf(name), meanUs: mean, sharePct: share(mean) }
    return what === undefined ? line : { ...line, covers: what }
  })
  rows.push({
    name: 'unattributed',
    owner: '',
    title: 'unattributed',
    meanUs: ledger.unattributed,
    sharePct: share(ledger.unattributed),
    covers: 'the service time less every row above',
  })
  return rows
}

export interface MachineComparison {
  /** The machine that the programs really ran on. */
  real: string
  /** The machine that the profile was published for; absent when the profile names none. */
  published?: string
  /** True when the run was not on that machine. Absent when the profile names none. */
  imitated?: boolean
}

/** EC2 names the machine; elsewhere equal vCPUs and memory are not the same machine either. */
export function machines(result: Result): MachineComparison {
  const { environment, profileMachine, profile } = result
  const memoryGiB = (environment.memoryMiB / 1024).toFixed(1)
  const where = environment.instanceType ?? 'not EC2'
  const real = `${environment.vcpus} vCPU, ${memoryGiB} GiB, ${environment.cpuModel} (${where})`
  if (!profileMachine) return { real }
  return {
    real,
    published: `${profile} (${profileMachine.vcpus} vCPU, ${profileMachine.memoryGiB} GiB)`,
    imitated: environment.instanceType !== profile,
  }
}
