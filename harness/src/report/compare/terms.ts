import { TERMS, type Term } from '../terms.ts'

/** What the words of a comparison mean: its own, and those that it shares with the report of a run. */

const SHARED = ['due', 'sent', 'latency', 'service time', 'failed', 'dropped', 'success rate', 'steal']

const OWN: readonly Term[] = [
  {
    term: 'added latency',
    means:
      "service time less the mock's own delay, less what probes waited in the same seconds, us: what a caller pays for having the target",
  },
  { term: 'probe', means: 'a request sent past the target, straight to the mock, while the target carries the load' },
  { term: 'floor', means: "what the probes waited above the mock's own delay, us" },
  {
    term: 'interval',
    means:
      '95% bootstrap interval, in the unit of its figure: what was measured here, resampled; it says nothing of another machine or load',
  },
  {
    term: 'not distinguishable',
    means:
      'the interval of the difference of means contains 0, or the difference is smaller than what the controls show that this machine can tell; it does not mean equal',
  },
  { term: 'round', means: 'every target once, in a shuffled order, so that drift of the machine falls on all alike' },
  { term: 'turn', means: 'one target in one round: cold start, warm-up, measured window, cool-down' },
  {
    term: 'upper bound',
    means:
      'marked "<=": what was taken off is a lower percentile of the floor than the one named, us, so the figure is too much rather than too little',
  },
  {
    term: 'truth',
    means: "the mock's own delay, told in-band with each answer; where a target strips it, the ledger is coarser",
  },
  { term: 'CPU per request', means: 'CPU time of the process tree inside the window / requests finished in it, us' },
  {
    term: 'idle memory',
    means:
      'resident memory after the first answer and a second of rest, before the load, MiB (1 MiB = 1,048,576 bytes)',
  },
  {
    term: 'memory',
    means:
      'resident memory of a target and all that it started, added up: pages that several of its processes share count for each',
  },
  { term: 'steady, peak memory', means: 'mean and largest resident memory inside the window, MiB' },
  { term: 'recovered memory', means: 'resident memory after the cool-down, MiB' },
  { term: 'growth', means: 'resident memory gained per 1,000 requests inside the window by least squares, MiB' },
  {
    term: 'cold start',
    means: 'from starting the process to its first right answer, less the delay of the mock, ms',
  },
  {
    term: 'mock-bound',
    means: 'the mock was at its own limit: the figure says nothing of the target, and is not ranked',
  },
  {
    term: 'driver-bound',
    means: 'the load generator was at its own limit: the figure says nothing of the target, and is not ranked',
  },
]

const FRONTIER: readonly Term[] = [
  {
    term: 'frontier',
    means: 'the largest rate, requests/s, that was carried with nothing failed and p99 added latency within the bound',
  },
  {
    term: 'closed loop',
    means:
      'a client that sends its next request only when the last one was answered, so that it slows down with the server',
  },
]

export function comparisonTerms({ frontier }: { frontier: boolean }): Term[] {
  return [...TERMS.filter(({ term }) => SHARED.includes(term)), ...OWN, ...(frontier ? FRONTIER : [])]
}
