/** Units in which gateways tell times. */
export type ReportUnit = 'ms' | 'us' | 's'

export const US_PER: Readonly<Record<ReportUnit, number>> = { us: 1, ms: 1_000, s: 1_000_000 }
