import { DEFAULTS } from '../config.ts'
import { formatCount, formatDuration, formatExact, formatNumber } from '../units.ts'
import type { Claim } from './claim.ts'
import { UNITS } from './metrics.ts'

/** What this machine can do for a claim. */
export interface Here {
  vcpus: number
  memoryMiB: number
  /** Null off EC2. */
  instanceType: string | null
  cpuModel?: string
  /** Every target that bench knows, by name. */
  targets: Readonly<Record<string, { installed: boolean; version?: string; reason?: string }>>
}

/** The run that tests a claim. */
export interface PlannedRun {
  target: string
  /** Open loop, for every figure but the largest rate. Absent: the claim is about the largest rate alone. */
  ratePerSec?: number
  /** The largest rate has to be searched for as well. */
  saturation: boolean
  durationMs: number
  mockLatencyMs: number
  requestBytes: number
  responseBytes: number
  /** Longer than the longest latency that is claimed. */
  timeoutMs: number
}

/** A condition as claimed beside the same here, in words. */
export interface Condition {
  label: string
  /** Absent: the source does not state it, so that it cannot be met. */
  claimed?: string
  here: string
  met: boolean
}

interface Conditions {
  conditions: readonly Condition[]
  /** The conditions that are not met, each in a sentence's half. */
  differs: readonly string[]
}

export interface TestablePlan extends Conditions {
  testable: true
  run: PlannedRun
  /** False: whatever is found holds for this machine only. */
  onClaimedMachine: boolean
}

export type TestPlan = TestablePlan | ({ testable: false; why: readonly string[] } & Conditions)

/** v1.2 and 1.2 are one version. */
const LEADING_V = /^v(?=\d)/
/** Kernel and firmware keep some of the memory that an instance is sold with. */
const MEMORY_TOLERANCE = 0.1

/** Whether and with which run a claim can be tested here, and which of its conditions that run does not meet. */
export function plannedTest(claim: Claim, here: Here): TestPlan {
  const run = plannedRun(claim)
  const conditions = [...machineConditions(claim, here), ...loadConditions(claim, run), ...setUpConditions(claim, here)]
  const differs = conditions
    .filter(({ met }) => !met)
    .map(
      ({ label, claimed, here: own }) =>
        `${label}: ${claimed === undefined ? 'not stated' : `claimed ${claimed}`}, here ${own}`,
    )
  const why = obstacles(claim, run, here)
  if (claim.target === null || why.length > 0) return { testable: false, why, conditions, differs }
  const instance = claim.conditions.machine?.instance
  return {
    testable: true,
    run: { target: claim.target, ...run },
    // Equal vCPUs and memory are not the same machine either.
    onClaimedMachine: instance !== undefined && instance === here.instanceType,
    conditions,
    differs,
  }
}

function plannedRun({ conditions, assumed, figures }: Claim): Omit<PlannedRun, 'target'> {
  const ratePerSec = typeof conditions.ratePerSec === 'number' ? conditions.ratePerSec : assumed?.ratePerSec
  const stated = { ...assumed, ...conditions }
  const claimedMs = figures
    .filter(({ metric }) => metric.startsWith('latency_'))
    .map(({ value, unit }) => (value * UNITS[unit].most) / UNITS.ms.most)
  return {
    ...(ratePerSec !== undefined && { ratePerSec }),
    saturation: conditions.ratePerSec === 'saturation' || figures.some(({ metric }) => metric === 'max_rate'),
    durationMs: stated.durationMs ?? DEFAULTS.durationMs,
    mockLatencyMs: stated.mockLatencyMs ?? DEFAULTS.mockLatencyMs,
    requestBytes: stated.requestBytes ?? DEFAULTS.requestBytes,
    responseBytes: stated.responseBytes ?? DEFAULTS.responseBytes,
    timeoutMs: Math.max(DEFAULTS.timeoutMs, ...claimedMs.map((ms) => 2 * ms)),
  }
}

function obstacles(claim: Claim, run: Omit<PlannedRun, 'target'>, here: Here): string[] {
  const why: string[] = []
  const { target, gateway, conditions } = claim
  if (target === null) {
    why.push(`bench has no target for ${gateway}`)
  } else if (!Object.hasOwn(here.targets, target)) {
    why.push(`"${target}" is not a target that bench knows: it knows ${Object.keys(here.targets).join(', ')}`)
  } else if (!here.targets[target]!.installed) {
    why.push(`${target} is not installed here: ${here.targets[target]!.reason ?? 'no reason was given'}`)
  }
  const instances = conditions.deployment?.instances ?? 1
  if (instances > 1) why.push(`the claim is about ${instances} instances, which this one machine cannot be`)
  if (run.ratePerSec === undefined && !run.saturation) {
    why.push('the rate is not stated, and the claim file assumes none')
  }
  return why
}

function row<T>(label: string, claimed: T | undefined, here: T, format: (value: T) => string): Condition {
  const own = format(here)
  if (claimed === undefined) return { label, here: own, met: false }
  return { label, claimed: format(claimed), here: own, met: claimed === here }
}

const asIs = (text: string) => text
const inBytes = (bytes: number) => `${formatCount(bytes)} bytes`

function machineConditions({ conditions }: Claim, here: Here): Condition[] {
  const { instance, cpu, vcpus, memoryGiB } = conditions.machine ?? {}
  const { cpuModel = 'of a model that is not known' } = here
  const rows = [row('instance', instance, here.instanceType ?? 'not EC2', asIs)]
  if (cpu !== undefined) rows.push({ ...row('CPU', cpu, cpuModel, asIs), met: cpuModel.includes(cpu) })
  // The name of an instance says the rest.
  if (vcpus !== undefined || instance === undefined) rows.push(row('vCPUs', vcpus, here.vcpus, formatExact))
  if (memoryGiB !== undefined || instance === undefined) {
    const claimedMiB = memoryGiB === undefined ? undefined : memoryGiB * 1024
    rows.push({
      ...row('memory', claimedMiB, here.memoryMiB, (mib) => `${formatNumber(mib / 1024, 1)} GiB`),
      met: claimedMiB !== undefined && Math.abs(here.memoryMiB / claimedMiB - 1) <= MEMORY_TOLERANCE,
    })
  }
  return rows
}

function loadConditions({ conditions }: Claim, run: Omit<PlannedRun, 'target'>): Condition[] {
  const { ratePerSec, connections } = conditions
  const most = 'as many as it takes'
  const claimed = ratePerSec === undefined ? [] : [ratePerSec === 'saturation' ? most : formatExact(ratePerSec)]
  const own = run.ratePerSec === undefined ? [] : [formatExact(run.ratePerSec)]
  const rows: Condition[] = [
    {
      label: 'requests per second',
      ...(claimed[0] !== undefined && { claimed: claimed[0] }),
      here: [...own, ...(run.saturation ? [most] : [])].join(', and ') || 'none',
      met: ratePerSec === (run.ratePerSec ?? 'saturation'),
    },
  ]
  if (connections !== undefined) {
    // Open loop: a bound on the requests at once would let the generator slow down with the gateway.
    rows.push({
      label: 'connections',
      claimed: formatExact(connections),
      here: 'as many as the rate needs',
      met: false,
    })
  }
  rows.push(row('duration', conditions.durationMs, run.durationMs, formatDuration))
  rows.push(row('delay of the mock', conditions.mockLatencyMs, run.mockLatencyMs, formatDuration))
  rows.push(row('request', conditions.requestBytes, run.requestBytes, inBytes))
  rows.push(row('answer', conditions.responseBytes, run.responseBytes, inBytes))
  return rows
}

function setUpConditions({ target, version, conditions }: Claim, here: Here): Condition[] {
  const { deployment, settings } = conditions
  const found = target !== null && Object.hasOwn(here.targets, target) ? here.targets[target] : undefined
  const installed = found?.installed ? (found.version ?? 'unknown') : 'not installed'
  const rows: Condition[] = [
    row('version', version?.replace(LEADING_V, ''), installed.replace(LEADING_V, ''), asIs),
    {
      label: 'deployment',
      ...(deployment && { claimed: deployment.note }),
      here: 'gateway, mock and load generator on one machine',
      met: deployment?.oneMachine === true,
    },
  ]
  if (settings !== undefined) {
    const claimed = Object.entries(settings).map(([name, value]) => `${name} ${value}`)
    rows.push({ label: 'settings', claimed: claimed.join(', '), here: 'as bench sets this target up', met: false })
  }
  return rows
}
