import type { CompareRecord, TargetRecord } from '../../compare/record.ts'
import { formatCount, formatDuration, formatNumber, formatPct, formatRate, NOT_MEASURED } from '../../units.ts'
import { markdownTable } from '../markdown-table.ts'
import { shellCommand } from '../shell-command.ts'
import { figureOr } from './figures.ts'
import { plain } from './prose.ts'

/** What was compared, on what, under which load: all that somebody needs to do it again. */

export function machineText({ environment: env }: Pick<CompareRecord, 'environment'>): string {
  const where = env.instanceType ?? 'not an EC2 instance'
  return `${env.vcpus} vCPU, ${formatNumber(env.memoryMiB / 1024, 1)} GiB, ${env.cpuModel} (${where})`
}

export function systemText({ environment: env }: Pick<CompareRecord, 'environment'>): string {
  return `${env.os}, Node ${env.node}, ${formatCount(env.files)} files a process`
}

function beforeText({ machine }: CompareRecord): string {
  const steal = machine.stealPct === undefined ? NOT_MEASURED : formatPct(machine.stealPct)
  const state = machine.overridden ? 'above it, overridden' : 'refused above it'
  return `CPU in use ${figureOr(machine.busyPct, formatPct)}, steal ${steal}; limit ${formatPct(machine.limitPct)}, ${state}`
}

function conditionPairs(record: CompareRecord): string[][] {
  const { plan, order } = record
  const jitter = plan.mockJitterMs ? ` +- ${formatCount(plan.mockJitterMs)}` : ''
  const threads = `${formatCount(plan.threads)} driver thread${plan.threads === 1 ? '' : 's'}`
  return [
    ['ran on', machineText(record)],
    ['system', systemText(record)],
    ['before the start', beforeText(record)],
    ['profile', `${record.profile}: it sets the plan; the machine is the one above`],
    [
      'plan',
      `open loop, ${formatRate(plan.ratePerSec)}/s for ${formatDuration(plan.durationMs)} after ${formatDuration(plan.warmupMs)} of warm-up, then ${formatDuration(plan.cooldownMs)} of cool-down; ${formatCount(plan.rounds)} round${plan.rounds === 1 ? '' : 's'}, each time from a cold start of what bench starts`,
    ],
    [
      'payload',
      `request ${formatCount(plan.requestBytes)} bytes, answer ${formatCount(plan.responseBytes)} bytes, whole, not streamed`,
    ],
    ['mock', `answers after ${formatCount(plan.mockLatencyMs)}${jitter} ms`],
    ['probes', `${formatRate(plan.probeRatePerSec)}/s straight to the mock while a target carried the load`],
    [
      'bounds',
      `timeout ${plan.timeoutMs === 0 ? 'none' : formatDuration(plan.timeoutMs)}, ${formatCount(plan.connections)} connections, ${threads}`,
    ],
    ['seed', `${plan.seed}, also of the order`],
    ...order.map((names, i) => [`order, round ${i + 1}`, names.join(', ')]),
    ['started', record.startedAt],
    ['finished', record.finishedAt],
  ]
}

function targetRow({ name, title, version, settings, status }: TargetRecord): string[] {
  return [
    name,
    plain(title),
    version === undefined ? 'not known' : plain(version),
    settings.length === 0 ? 'none recorded' : settings.map(plain).join('; '),
    status === 'measured' ? status : `**${status}**`,
  ]
}

function againLines({ command, environment }: CompareRecord): string[] {
  if (!command) return ['The command was not recorded.']
  const commit = environment.gitCommit === undefined ? '' : `, commit ${environment.gitCommit}`
  return [`Run it again, with Node ${environment.node}${commit}:`, '', '```sh', shellCommand(command), '```']
}

export function conditionLines(record: CompareRecord): string[] {
  const head = ['target', 'what it is', 'version', 'settings', 'status']
  return [
    ...markdownTable(['', ''], conditionPairs(record), ['left', 'left']),
    '',
    ...markdownTable(
      head,
      record.targets.map(targetRow),
      head.map(() => 'left'),
    ),
    '',
    ...againLines(record),
  ]
}
