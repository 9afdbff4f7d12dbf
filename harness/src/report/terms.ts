import { OVERHEADS } from '../overheads.ts'

/** What every word of the reports means. One owner, so that console, report.md and README cannot drift apart. */

export interface Term {
  term: string
  means: string
}

export const TERMS: readonly Term[] = [
  {
    term: 'due',
    means: 'the instant at which the plan wanted the request sent; it does not move when anything is late',
  },
  { term: 'sent', means: 'the instant at which the driver began to write the request' },
  {
    term: 'latency',
    means:
      'end - due of an ok answer, ms: what a caller waits who does not slow down with the server; a late generator counts against it',
  },
  { term: 'service time', means: 'end - sent, ms: the same without the lateness of the generator' },
  {
    term: 'schedule lag',
    means: 'sent - due, ms: how late the generator itself was; latency is service time plus this',
  },
  {
    term: 'mock delay error',
    means: 'the delay that the mock gave, by its own clock, less the delay that it was told to give, ms',
  },
  {
    term: 'floor',
    means:
      "what a request costs with no gateway in the way: probes sent straight to the mock during the run, their service time less the mock's own delay, us",
  },
  {
    term: 'ping',
    means:
      "the way between driver and gateway and back: probes to the gateway's health route during the run, their service time less the gateway's own total, us",
  },
  {
    term: 'overhead published',
    means: `${OVERHEADS[0].formula}, us; the definition behind the figures in circulation`,
  },
  { term: 'overhead in_process', means: `${OVERHEADS[1].formula}, us` },
  { term: 'overhead client', means: `${OVERHEADS[2].formula}, us: what the caller pays for having the gateway` },
  {
    term: 'retry backoff',
    means:
      "waiting before a further try, us: the gateway's by its rules, though no work of its own; in overhead in_process, not in published; tables leave it out where nothing was tried again. The tries before the last are in HTTP Request, and so, where the mock failed them, in the transport between gateway and mock",
  },
  {
    term: 'below the clock',
    means:
      'the stage is shorter than one reading of the clock, so its single readings say nothing; the batch figure is the same function on a typical request, timed many times over and divided',
  },
  {
    term: 'ledger',
    means:
      "the mean request's service time split over those who spent it; the rows and the unattributed rest sum to it, and with the generator lag to the mean latency",
  },
  {
    term: 'transport',
    means:
      'in the ledger, the way between two programs, there and back: kernel, wire, and the wait for either event loop, us',
  },
  {
    term: 'unattributed',
    means:
      'the mean service time less every row below it, us; negative when two rows count the same time; +- is the 95% uncertainty that the mean ping gives it',
  },
  {
    term: 'added time',
    means:
      "the mean service time less the mock's delay and the floor, us: the time that is there because the gateway is",
  },
  { term: 'success rate', means: 'requests answered with a whole 2xx / requests planned in the window' },
  { term: 'failed', means: 'sent, and not answered with a whole 2xx before the timeout' },
  {
    term: 'dropped',
    means: 'due, and never sent: the bound on requests in flight was reached, or the run was stopped',
  },
  {
    term: 'peak memory',
    means: 'largest resident memory of the program and its children, MiB (1 MiB = 1,048,576 bytes)',
  },
  { term: 'CPU per request', means: 'user and system CPU time inside the window / requests finished in it, us' },
  { term: 'steal', means: 'CPU time that the hypervisor gave to other guests, % of all CPU time' },
]
