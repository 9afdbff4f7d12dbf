import type { PublishedFigures } from './published.ts'
import type { Result } from './recording.ts'

/** What differs in the conditions of several runs, the target itself apart. */
export interface Difference {
  /** Path in result.json. */
  field: string
  /** In words, with the unit. */
  label: string
  /** One a run, in their order. */
  values: string[]
  /** `blocks`: the two sides did not do the same work on the same machine. `note`: worth knowing. */
  severity: 'blocks' | 'note'
}

type Condition = Omit<Difference, 'values'> & { read: (result: Result) => string | number | undefined }

const blocks = (field: string, label: string, read: Condition['read']): Condition => ({
  field,
  label,
  read,
  severity: 'blocks',
})
const note = (field: string, label: string, read: Condition['read']): Condition => ({
  field,
  label,
  read,
  severity: 'note',
})

/**
 * Blocking is what the figures answer for directly: the work asked for, the machine and the runtime it ran on. The
 * gateway's settings and the commit may be the very thing compared, and a longer run or another driver only shifts
 * tails and peaks: those are notes.
 */
const CONDITIONS: readonly Condition[] = [
  blocks('plan.arrival', 'arrivals', ({ plan }) => plan.arrival),
  blocks('plan.ratePerSec', 'planned rate, per s', ({ plan }) => plan.ratePerSec),
  blocks('plan.requestBytes', 'request body, bytes', ({ plan }) => plan.requestBytes),
  blocks('plan.body', 'further members of the request body', ({ plan }) => plan.body && JSON.stringify(plan.body)),
  blocks('plan.responseBytes', 'answer body, bytes', ({ plan }) => plan.responseBytes),
  blocks('plan.mockLatencyMs', 'mock delay, ms', ({ plan }) => plan.mockLatencyMs),
  // Absent is how a run without jitter may be written.
  blocks('plan.mockJitterMs', 'mock jitter, ms', ({ plan }) => plan.mockJitterMs ?? 0),
  blocks('environment.node', 'Node version', ({ environment }) => environment.node),
  blocks('environment.cpuModel', 'CPU', ({ environment }) => environment.cpuModel),
  blocks('environment.vcpus', 'vCPUs', ({ environment }) => environment.vcpus),
  // To the GiB: kernels of one machine reserve a few MiB more or less from boot to boot.
  blocks('environment.memoryMiB', 'memory, GiB', ({ environment }) => Math.round(environment.memoryMiB / 1024)),
  blocks('environment.instanceType', 'EC2 instance type', ({ environment }) => environment.instanceType ?? 'not EC2'),
  note('profile', 'profile', ({ profile }) => profile),
  note('interrupted', 'interrupted', ({ interrupted }) => (interrupted === true ? 'yes' : 'no')),
  note('plan.durationMs', 'measured window, ms', ({ plan }) => plan.durationMs),
  note('plan.warmupMs', 'warm-up, ms', ({ plan }) => plan.warmupMs),
  note('plan.timeoutMs', 'timeout, ms', ({ plan }) => plan.timeoutMs),
  note('plan.connections', 'connections opened ahead', ({ plan }) => plan.connections),
  note('plan.threads', 'driver threads', ({ plan, driver }) => plan.threads ?? driver.threads),
  note('plan.probeRatePerSec', 'probes, per s', ({ plan }) => plan.probeRatePerSec),
  note('plan.model', 'model', ({ plan }) => plan.model),
  note('plan.seed', 'seed', ({ plan }) => plan.seed),
  note('plan.gateway.concurrency', 'gateway concurrency', ({ plan }) => plan.gateway?.concurrency),
  note('plan.gateway.bufferSize', 'gateway buffer size', ({ plan }) => plan.gateway?.bufferSize),
  note('plan.gateway.initialPoolSize', 'gateway pool size', ({ plan }) => plan.gateway?.initialPoolSize),
  // Absent is how one worker may be written.
  note('plan.gateway.workers', 'gateway workers', ({ plan }) => plan.gateway && (plan.gateway.workers ?? 1)),
  note(
    'plan.gatewayConfig',
    'gateway configuration merged in',
    ({ plan }) => plan.gatewayConfig && JSON.stringify(plan.gatewayConfig),
  ),
  note('plan.gateway.nodeFlags', 'gateway Node flags', ({ plan }) => plan.gateway?.nodeFlags?.join(' ')),
  note('environment.os', 'operating system', ({ environment }) => environment.os),
  note('environment.files', 'files a process may open', ({ environment }) => environment.files),
  note('environment.gitCommit', 'commit', ({ environment }) => environment.gitCommit),
]

/** Everything of the conditions that is not the same in all runs, what blocks a comparison first. */
export function findDifferences(results: readonly Result[]): Difference[] {
  return CONDITIONS.map(({ field, label, severity, read }) => ({
    field,
    label,
    severity,
    values: results.map((result) => {
      const value = read(result)
      return value === undefined || value === '' ? 'none' : String(value)
    }),
  })).filter(({ values }) => new Set(values).size > 1)
}

/** Published sizes have two decimals. */
const SIZE_TOLERANCE_KB = 0.005

/** Where a run's load is not that of the published figures beside it: what, the run's own value, the published one. */
export function unlikePublished(
  { plan }: Result,
  published: PublishedFigures,
): [what: string, own: number, theirs: number][] {
  const conditions: [what: string, own: number, theirs: number, tolerance: number][] = [
    ['requests per second', plan.ratePerSec, published.ratePerSec, 0],
    ['KB a request', plan.requestBytes / 1000, published.requestKB, SIZE_TOLERANCE_KB],
    ['KB an answer', plan.responseBytes / 1000, published.responseKB, SIZE_TOLERANCE_KB],
  ]
  return conditions
    .filter(([, own, theirs, tolerance]) => Math.abs(own - theirs) > tolerance + 1e-9)
    .map(([what, own, theirs]) => [what, own, theirs])
}
