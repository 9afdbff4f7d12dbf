import { SEGMENTS } from '@gatebench/gateway/stages'
import type { Check, Distribution, ProcessResources, Result } from '../recording.ts'
import {
  formatCores,
  formatCount,
  formatDuration,
  formatExact,
  formatMiB,
  formatMs,
  formatNumber,
  formatPct,
  formatRate,
  formatUs,
  NOT_MEASURED,
} from '../units.ts'
import { isWorthARow, ledgerLines, machines } from '../facts.ts'
import { OVERHEADS } from '../overheads.ts'

/** The words and figures of a run's tables as text, which console and markdown only lay out. */

/** Stands in the further cells of a row whose first figure says that it was not measured. */
export const NO_FIGURE = '-'

export type Pair = [label: string, text: string]

type GatewayPlan = NonNullable<Result['plan']['gateway']>

const orNot = <T>(value: T | undefined, format: (value: T) => string) =>
  value === undefined ? NOT_MEASURED : format(value)

/** Six digits, so that a value just short of its limit never rounds up to it. */
export function checkCells({ value, limit, unit }: Check): { value: string; limit: string } {
  const withUnit = (figure: number) => (unit === 'ratio' ? formatExact(figure) : `${formatExact(figure)} ${unit}`)
  return { value: orNot(value, withUnit), limit: limit === undefined ? NO_FIGURE : withUnit(limit) }
}

/** How many of the checks held, and which of those said nothing because there was nothing to measure. */
export function heldText({ checks }: Result['verdict']): string {
  const unmeasured = checks.filter((check) => check.value === undefined).map((check) => check.name)
  const held = `held ${formatCount(checks.length - unmeasured.length)} checks`
  return unmeasured.length === 0 ? held : `${held}; ${NOT_MEASURED}: ${unmeasured.join(', ')}`
}

function targetText({ target }: Result): string {
  if (target.name === 'direct') return `direct, the mock at ${target.url}`
  const origin = target.managed ? 'started by bench' : 'was already running'
  return `${target.name} ${target.version ?? '(version unknown)'}, ${target.url}, ${origin}`
}

/** What was measured, on what, under which load. */
export function setUpPairs(result: Result): Pair[] {
  const { target, plan, environment: env } = result
  const machine = machines(result)
  const direct = target.name === 'direct'
  const profile =
    machine.published === undefined
      ? result.profile
      : `${machine.published}${machine.imitated === true ? ': imitated, the run was not on that machine' : ''}`
  const settings = plan.gateway
    ? gatewayText(plan.gateway)
    : direct
      ? 'none: the requests go straight to the mock'
      : 'its settings are not known to bench'
  const jitter = plan.mockJitterMs ? ` +- ${formatNumber(plan.mockJitterMs, 0)}` : ''
  return [
    ['target', targetText(result)],
    ['ran on', machine.real],
    ['system', `${env.os}, Node ${env.node}, ${formatCount(env.files)} files a process`],
    ['profile', profile],
    [
      'plan',
      `${formatRate(plan.ratePerSec)}/s, evenly spaced, for ${formatDuration(plan.durationMs)} after ${formatDuration(plan.warmupMs)} of warm-up: ${formatCount(plan.requests)} requests`,
    ],
    [
      'payload',
      `request ${formatCount(plan.requestBytes)} bytes${plan.body ? ` with ${JSON.stringify(plan.body)}` : ''}, answer ${formatCount(plan.responseBytes)} bytes`,
    ],
    [
      'bounds',
      `timeout ${plan.timeoutMs === 0 ? 'none' : formatDuration(plan.timeoutMs)}, ${formatCount(plan.connections)} connections, seed ${plan.seed}`,
    ],
    ['mock', `answers after ${formatCount(plan.mockLatencyMs)}${jitter} ms`],
    ['gateway', settings],
    ...(plan.gatewayConfig ? [['merged in', spaced(plan.gatewayConfig)] satisfies Pair] : []),
  ]
}

function gatewayText({ concurrency, bufferSize, initialPoolSize, workers = 1, nodeFlags = [] }: GatewayPlan): string {
  const limits = `concurrency ${formatCount(concurrency)}, buffer ${formatCount(bufferSize)}, pool ${formatCount(initialPoolSize)}`
  return [workers === 1 ? limits : `${formatCount(workers)} workers, together ${limits}`, ...nodeFlags].join(', ')
}

/** JSON with a blank after each mark, so that lines of it can be broken. */
function spaced(json: NonNullable<Result['plan']['gatewayConfig']>): string {
  // Line breaks inside of texts are escaped: these are all between values.
  return JSON.stringify(json, null, 1).replaceAll(/\n */g, ' ')
}

export const DISTRIBUTION_HEAD = ['mean', 'min', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max']

export function distributionCells(d: Distribution): string[] {
  return [d.mean, d.min, d.p50, d.p90, d.p95, d.p99, d.p999, d.max].map(formatMs)
}

export const LATENCY_ROWS = [
  { key: 'fromDue', title: 'latency (from due)', short: 'from due' },
  { key: 'fromSent', title: 'service time (from sent)', short: 'from sent' },
] as const

function counts(record: Record<string, number>): string {
  const entries = Object.entries(record)
  return entries.length === 0 ? 'none' : entries.map(([name, count]) => `${name}: ${formatCount(count)}`).join(', ')
}

export function requestPairs({ requests, rate }: Result): Pair[] {
  const { planned, sent, ok, failed, dropped } = requests
  return [
    [
      'requests',
      `planned ${formatCount(planned)}, sent ${formatCount(sent)}, ok ${formatCount(ok)}, failed ${formatCount(failed)}, dropped ${formatCount(dropped)}`,
    ],
    ['by status', counts(requests.byStatus)],
    ['by error', counts(requests.byError)],
    [
      'rate, per s',
      `planned ${formatRate(rate.targetPerSec)}, sent ${formatRate(rate.sentPerSec)}, completed ${formatRate(rate.completedPerSec)}`,
    ],
  ]
}

/** What the measuring instruments did themselves: driver, mock, probes. */
export function instrumentPairs({ driver, mock, floor, ping }: Result): Pair[] {
  const busy = driver.eventLoopUtilization
  return [
    [
      'schedule lag, ms',
      orNot(
        driver.scheduleLagMs,
        (lag) => `p50 ${formatMs(lag.p50)}, p99 ${formatMs(lag.p99)}, max ${formatMs(lag.max)}`,
      ),
    ],
    [
      'driver',
      `${formatCount(driver.threads)} thread${driver.threads === 1 ? '' : 's'}; time in use, busiest thread: ${orNot(busy, (ratio) => formatPct(ratio * 100))}`,
    ],
    [
      'connections',
      `opened ahead ${orNot(driver.connectionsOpened, formatCount)}, in the window ${orNot(driver.connectionsOpenedInWindow, formatCount)}`,
    ],
    ['most in flight', orNot(driver.inFlightMax, formatCount)],
    [
      'mock delay error, ms',
      orNot(mock.delayErrorMs, (error) => `p50 ${formatMs(error.p50)}, p99 ${formatMs(error.p99)}`),
    ],
    [
      'floor, us',
      orNot(
        floor,
        (f) =>
          `mean ${formatUs(f.meanUs)}, p50 ${formatUs(f.p50Us)}, p99 ${formatUs(f.p99Us)} (${formatCount(f.probes)} probes, ${formatCount(f.lost)} lost)`,
      ),
    ],
    [
      'ping, us',
      orNot(
        ping,
        (p) =>
          `mean ${formatUs(p.meanUs)}, p50 ${formatUs(p.p50Us)}, p99 ${formatUs(p.p99Us)} (${formatCount(p.pings)} pings, ${formatCount(p.lost)} lost)`,
      ),
    ],
  ]
}

export const OVERHEAD_HEAD = ['mean', 'p50', 'p99']

export function overheadRows({
  overheadUs,
}: Result): { name: string; cells: string[]; brief: string; formula: string }[] {
  return OVERHEADS.map(({ name, brief, formula }) => {
    const overhead = overheadUs?.[name]
    const cells = overhead
      ? [overhead.mean, overhead.p50, overhead.p99].map((us) => orNot(us, formatUs))
      : [NOT_MEASURED, NO_FIGURE, NO_FIGURE]
    return { name, cells, brief, formula }
  })
}

type Stage = NonNullable<Result['stagesUs']>[string]

/** The published figure of a stage that one clock reading cannot resolve. */
export function belowClockText({ clockUs, batchMeanUs }: NonNullable<Stage['belowClock']>): string {
  const batch = batchMeanUs === undefined ? NOT_MEASURED : `${formatUs(batchMeanUs)} us`
  return `< clock (${formatNumber(clockUs, 2)} us); batch ${batch}`
}

export const STAGE_HEAD = ['mean', 'p50', 'p90', 'p99', 'p99.9', 'max']

/**
 * The ten stages and the gateway's time outside them; `cells` are figures, or one `remark` stands in their place.
 * Undefined when the target gave no account.
 */
export function stageRows({ stagesUs }: Result): { title: string; cells?: string[]; remark?: string }[] | undefined {
  if (!stagesUs) return undefined
  const worth = SEGMENTS.filter(({ name }) => isWorthARow(name, stagesUs[name]?.mean))
  return worth.map(({ name, title }) => {
    const stage = stagesUs[name]
    if (!stage) return { title, remark: NOT_MEASURED }
    if (stage.belowClock) return { title, remark: belowClockText(stage.belowClock) }
    const { mean, p50, p90, p99, p999, max } = stage
    return { title, cells: [mean, p50, p90, p99, p999, max].map(formatUs) }
  })
}

export const LEDGER_HEAD = ['whose', 'mean us', 'share']

export interface LedgerRow {
  title: string
  cells: string[]
  /** What a reader must know of this row besides its figures; short. */
  remark: string
  /** What the row's time is. */
  covers: string
}

/**
 * What came before the whole, the whole, then owner by owner, the unattributed rest last. Undefined when the target gave
 * no account.
 */
export function ledgerRows({ ledgerUs, stagesUs }: Result): LedgerRow[] | undefined {
  if (!ledgerUs) return undefined
  const { total, requests, generatorLagUs, addedUs, unattributedPctOfAdded: pctOfAdded } = ledgerUs
  const { unattributedErrorUs: errorUs } = ledgerUs
  const rows: LedgerRow[] = []
  if (generatorLagUs !== undefined) {
    rows.push({
      title: 'Generator lag',
      cells: ['generator', formatNumber(generatorLagUs, 2), ''],
      remark: 'on top of the service time',
      covers: 'from due to sent',
    })
  }
  rows.push({
    title: 'Mean service time',
    cells: ['', formatNumber(total, 2), '100%'],
    remark: `of ${formatCount(requests)} requests, sent to end`,
    covers: 'the sum of the rows below',
  })
  for (const { name, title, owner, meanUs, sharePct, covers } of ledgerLines(ledgerUs)) {
    rows.push({
      title,
      cells: [owner, formatNumber(meanUs, 2), formatPct(sharePct)],
      remark: stagesUs?.[name]?.belowClock ? 'below the clock' : '',
      covers: covers ?? '',
    })
  }
  if (pctOfAdded !== undefined) {
    const added = addedUs === undefined ? 'time' : `${formatNumber(addedUs, 2)} us`
    const doubt = errorUs === undefined ? '' : `+- ${formatNumber(errorUs, 2)} us; `
    rows.at(-1)!.remark = `${doubt}${formatPct(pctOfAdded)} of the added ${added}`
  }
  return rows
}

export const RESOURCE_HEAD = ['peak MiB', 'mean MiB', 'CPU cores', 'user', 'system', 'CPU us/request']

function processCells(used: ProcessResources | undefined): string[] {
  if (!used) return [NOT_MEASURED, ...RESOURCE_HEAD.slice(1).map(() => NO_FIGURE)]
  return [
    formatMiB(used.rssPeakMiB),
    formatMiB(used.rssMeanMiB),
    formatCores(used.cpuCores),
    formatCores(used.cpuUserCores),
    formatCores(used.cpuSystemCores),
    orNot(used.cpuUsPerRequest, formatUs),
  ]
}

export function resourceRows({ resources }: Result): { name: string; cells: string[] }[] {
  return (['gateway', 'mock', 'driver'] as const).map((name) => ({ name, cells: processCells(resources[name]) }))
}

export function hostText({ resources }: Result): string {
  const { host } = resources
  return host ? `busy ${formatPct(host.busyPct)}, steal ${formatPct(host.stealPct)}` : NOT_MEASURED
}
