import type { Idle } from './idle.ts'

const MIB = 2 ** 20

interface Row {
  what: string
  read: (idle: Idle) => number
  /** `none`: 0 after; otherwise the most that it may be above the state before, by share and absolutely. */
  tolerance: 'none' | { share: number; absolute: number } | 'kept'
  decimals?: number
}

const ROWS: readonly Row[] = [
  {
    what: 'sockets but idle upstream ones',
    read: ({ sockets, upstreamIdle }) => sockets - upstreamIdle,
    tolerance: { share: 0, absolute: 2 },
  },
  { what: 'other open files', read: ({ otherFiles }) => otherFiles, tolerance: { share: 0, absolute: 2 } },
  { what: 'upstream connections, idle', read: ({ upstreamIdle }) => upstreamIdle, tolerance: 'kept' },
  { what: 'upstream connections, in use', read: ({ upstreamInUse }) => upstreamInUse, tolerance: 'none' },
  { what: 'waiting for a connection', read: ({ upstreamWaiters }) => upstreamWaiters, tolerance: 'none' },
  { what: 'queue places, active', read: ({ active }) => active, tolerance: 'none' },
  { what: 'queue places, buffered', read: ({ buffered }) => buffered, tolerance: 'none' },
  { what: 'waiting for room in the queue', read: ({ waitingForRoom }) => waitingForRoom, tolerance: 'none' },
  { what: 'deadlines pending', read: ({ deadlinesPending }) => deadlinesPending, tolerance: 'none' },
  { what: 'bodies waiting, bytes', read: ({ waitingBodyBytes }) => waitingBodyBytes, tolerance: 'none' },
  { what: 'request contexts in use', read: ({ contextsInUse }) => contextsInUse, tolerance: 'none' },
  {
    what: 'request contexts made',
    read: ({ contextsTotal }) => contextsTotal,
    tolerance: { share: 0.15, absolute: 0 },
  },
  {
    what: 'timers that keep it alive',
    read: ({ resources }) => resources['Timeout'] ?? 0,
    tolerance: { share: 0, absolute: 2 },
  },
  {
    what: 'other resources that do',
    read: ({ resources, upstreamIdle }) =>
      Object.entries(resources).reduce((sum, [kind, count]) => sum + (kind === 'Timeout' ? 0 : count), -upstreamIdle),
    tolerance: { share: 0, absolute: 4 },
  },
  {
    what: 'heap in use, MiB',
    read: ({ heapUsedBytes }) => heapUsedBytes / MIB,
    tolerance: { share: 0.15, absolute: 0 },
    decimals: 1,
  },
  {
    what: 'outside the heap, MiB',
    read: ({ externalBytes }) => externalBytes / MIB,
    tolerance: { share: 0.15, absolute: 1 },
    decimals: 1,
  },
  {
    what: 'resident memory, MiB',
    read: ({ residentBytes }) => residentBytes / MIB,
    tolerance: { share: 0.15, absolute: 0 },
    decimals: 1,
  },
]

/** Prints both states and a verdict on each figure; false when something did not come back. */
export function printIdleTable(before: Idle, after: Idle): boolean {
  console.log('\n| gateway, idle, garbage collected | before | after | difference | back at idle |')
  console.log('|---|---|---|---|---|')
  let allBack = true
  for (const { what, read, tolerance, decimals = 0 } of ROWS) {
    const [was, is] = [read(before), read(after)]
    const back = isBack(was, is, tolerance)
    allBack &&= back
    const difference = `${is >= was ? '+' : ''}${(is - was).toFixed(decimals)}`
    const verdict = tolerance === 'kept' ? 'kept by design' : `${back ? 'yes' : 'NO'} (${toleranceText(tolerance)})`
    console.log(`| ${[what, was.toFixed(decimals), is.toFixed(decimals), difference, verdict].join(' | ')} |`)
  }
  console.log(allBack ? '\neverything is back at its idle level' : '\nNOT everything came back')
  return allBack
}

function isBack(was: number, is: number, tolerance: Row['tolerance']): boolean {
  if (tolerance === 'kept') return true
  if (tolerance === 'none') return is === 0
  return is <= was * (1 + tolerance.share) + tolerance.absolute
}

function toleranceText(tolerance: Exclude<Row['tolerance'], 'kept'>): string {
  if (tolerance === 'none') return 'must be 0'
  const { share, absolute } = tolerance
  return `at most +${[share > 0 ? `${share * 100}%` : '', absolute > 0 ? absolute : ''].filter(Boolean).join(' +')}`
}
