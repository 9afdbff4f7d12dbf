import { CountPool, percentilesUs } from './sparse-counts.ts'
import type { CompareRecord } from './record.ts'
import type { RenderedCharts } from './folder.ts'
import { countedTurns, type MeasuredTarget } from './draw-up.ts'
import type { TurnFigures } from './turn.ts'

/** Points of a percentile curve: dense where the axis is, which is the logarithm of the share above. */
const NINES = 4
const POINTS_A_NINE = 20

/** Charts of a comparison as SVG. The library that plots them is loaded when there is something to plot. */
export async function renderCharts(record: CompareRecord, targets: readonly MeasuredTarget[]): Promise<RenderedCharts> {
  const [added, latency, memory, frontier] = await Promise.all([
    import('../report/charts/added-latency.ts'),
    import('../report/charts/latency-percentiles.ts'),
    import('../report/charts/memory.ts'),
    import('../report/charts/frontier.ts'),
  ])
  const measured = record.targets.filter(({ status, addedUs }) => status === 'measured' && addedUs !== undefined)
  if (measured.length === 0) return {}
  const counted = targets.map(({ name, turns }) => ({ name, turns: countedTurns(turns) }))
  const latencyOf = counted.map(({ name, turns }) => ({ name, points: latencyPoints(turns) })).filter(hasPoints)
  const memoryOf = counted.map(({ name, turns }) => ({ name, points: memoryPoints(turns) })).filter(hasPoints)
  return {
    added: await added.addedLatency({
      title: 'Added latency, with 95% intervals',
      unit: 'us',
      rows: measured.map(({ name, addedUs }) => ({
        name,
        mean: addedUs!.mean,
        p50: addedUs!.p50,
        p99: addedUs!.p99,
        upperBound: addedUs!.upperBound.includes('p99'),
      })),
      ...(record.control && { smallestUs: record.control.smallestUs }),
    }),
    ...(latencyOf.length > 0 && {
      latency: await latency.latencyPercentiles({ title: 'Latency from due, by percentile', series: latencyOf }),
    }),
    ...(memoryOf.length > 0 && {
      memory: await memory.memory({ title: 'Resident memory inside the window', series: memoryOf }),
    }),
    ...(record.frontier && {
      frontier: await frontier.frontier({
        title: 'Largest rate carried, by bound of p99 added',
        targets: record.frontier.targets,
      }),
    }),
  }
}

function hasPoints({ points }: { points: readonly unknown[] }): boolean {
  return points.length > 0
}

/** Percentiles of all answers of the turns, as far as there are ten answers above one. */
function latencyPoints(turns: readonly TurnFigures[]): { percentile: number; ms: number }[] {
  const seconds = turns.flatMap(({ latency = [] }) => latency.map(({ target }) => target))
  if (seconds.length === 0) return []
  const merged = new CountPool(seconds).merge(new Float64Array(seconds.length).fill(1))
  const answers = merged.counts.reduce((sum, count) => sum + count, 0)
  const shares = Array.from({ length: NINES * POINTS_A_NINE + 1 }, (_, i) => 10 ** (-i / POINTS_A_NINE))
  const percentiles = shares.filter((above) => answers * above >= 10).map((above) => 100 * (1 - above))
  const valuesUs = percentilesUs(merged, percentiles)
  return percentiles.map((percentile, i) => ({ percentile, ms: valuesUs[i]! / 1e3 }))
}

/** Mean over the turns, second by second. */
function memoryPoints(turns: readonly TurnFigures[]): { second: number; mib: number }[] {
  const rows = turns.flatMap(({ result }) => result?.timeline ?? [])
  return [...Map.groupBy(rows, ({ second }) => second)].flatMap(([second, group]) => {
    const mib = group.flatMap(({ gatewayRssMiB }) => gatewayRssMiB ?? [])
    return mib.length === 0 ? [] : [{ second, mib: mib.reduce((sum, each) => sum + each, 0) / mib.length }]
  })
}
