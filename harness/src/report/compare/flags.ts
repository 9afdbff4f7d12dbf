import type { Flag } from '../../compare/record.ts'

interface FlagWords {
  title: string
  /** What it means for the figures of the target, whatever they are. */
  consequence: string
  /** The figures are not the target's, or not of the same work: it takes no place in the order. */
  unranked: boolean
}

export const FLAGS: Readonly<Record<Flag['name'], FlagWords>> = {
  mock_bound: {
    title: 'mock-bound',
    consequence: 'Not ranked: the mock was at its own limit, so the figures are not those of the target.',
    unranked: true,
  },
  driver_bound: {
    title: 'driver-bound',
    consequence: 'Not ranked: the load generator was at its own limit, so the figures are not those of the target.',
    unranked: true,
  },
  cached_answers: {
    title: 'cached answers',
    consequence: 'Not ranked: answers that do not come from the mock are not the same work.',
    unranked: true,
  },
  error_bodies: {
    title: 'error bodies',
    consequence: 'Not ranked: an error sent with a status of success is not the same work.',
    unranked: true,
  },
  died: {
    title: 'died',
    consequence: 'Not ranked: its figures are those of the time that it lived.',
    unranked: true,
  },
  invalid_turns: {
    title: 'invalid turns',
    consequence: 'The table of turns names the checks that failed.',
    unranked: false,
  },
  late_sends: {
    title: 'late sends',
    consequence:
      'That is part of the latency from due, and of nothing else: added latency is counted from sent, so these turns count.',
    unranked: false,
  },
  truth_stripped: {
    title: 'truth stripped',
    consequence:
      "The ledger is coarser: the mock's own delay could not be taken off answer by answer, so whole service times were compared with those of the probes.",
    unranked: false,
  },
  memory_grows: {
    title: 'memory grows',
    consequence: 'Its memory figures hold for this length of run only.',
    unranked: false,
  },
  failures: {
    title: 'failures',
    consequence: 'Its latency is that of the answers which were right.',
    unranked: false,
  },
}
