import type { CompareRecord, TargetRecord } from '../../compare/record.ts'
import { formatNumber, formatRate, formatSuccess, NOT_MEASURED } from '../../units.ts'
import { NO_FIGURE } from '../cells.ts'
import { figureAlign, markdownTable } from '../markdown-table.ts'
import {
  dollarInterval,
  figureOr,
  growthInterval,
  mibInterval,
  rateInterval,
  usInterval,
  wholeMsInterval,
} from './figures.ts'

/** CPU, money, throughput, memory and cold start of each target. */

function costRow({ name, cpuUsPerRequest, completedPerSec, requests, dollarsPerMillion }: TargetRecord): string[] {
  return [
    name,
    figureOr(cpuUsPerRequest, usInterval),
    figureOr(completedPerSec, rateInterval),
    figureOr(requests, ({ successRate }) => formatSuccess(successRate)),
    figureOr(dollarsPerMillion, ({ cost }) => dollarInterval(cost)),
  ]
}

function memoryRow({ name, memoryMiB: memory, growthMiBPerThousand, coldStartMs }: TargetRecord): string[] {
  return [
    name,
    ...(memory
      ? [memory.idle, memory.steady, memory.peak, memory.recovered].map(mibInterval)
      : [NOT_MEASURED, NO_FIGURE, NO_FIGURE, NO_FIGURE]),
    figureOr(growthMiBPerThousand, growthInterval),
    figureOr(coldStartMs, wholeMsInterval),
  ]
}

function priceLines(targets: readonly TargetRecord[]): string[] {
  const prices = targets.flatMap(({ dollarsPerMillion: d }) =>
    d ? [`${d.instance} at $${formatNumber(d.dollarsPerHour, 4)} an hour, price of ${d.asOf}`] : [],
  )
  if (prices.length === 0) return []
  return [
    '',
    `Dollars per million requests: ${[...new Set(prices)].join('; ')}. The assumption: CPU alone, with every vCPU of the instance fully used by requests. No memory, network, idle time or headroom is in it, so a real bill is higher; nor are the CPU credits that a T-family instance costs on top when it is used beyond its baseline. Where the price comes from stands in harness/prices.json. The CPU time is that of the machine above, not of that instance.`,
  ]
}

export function costLines({ targets, plan }: CompareRecord, memoryChart: string | undefined): string[] {
  const head = [
    'target',
    'CPU per request',
    `ok answers (planned ${formatRate(plan.ratePerSec)}/s)`,
    'success rate',
    '$ per million requests',
  ]
  const memoryHead = ['target', 'idle', 'steady', 'peak', 'recovered', 'growth per 1,000 requests', 'cold start']
  return [
    ...markdownTable(head, targets.map(costRow), figureAlign(head.length)),
    ...priceLines(targets),
    '',
    'Resident memory of the process tree, and cold start from starting the process to its first right answer, less the delay of the mock:',
    '',
    ...markdownTable(memoryHead, targets.map(memoryRow), figureAlign(memoryHead.length)),
    ...(memoryChart === undefined ? [] : ['', memoryChart]),
  ]
}
