import type { StrictReport } from './strict-tally.ts'

/** One process of the mock as seen from all of them: alone, or among workers. */
export interface Peers {
  /**
   * Changes the config of every process, or of none.
   * @throws {MockUsageError} when the change would not be right
   */
  change(patch: unknown): Promise<void>
  /** Metrics of all processes together, as Prometheus reads them. */
  metrics(): Promise<string>
  /** What strict mode found in all of them; undefined when it is off. */
  strictReport(): Promise<StrictReport | undefined>
}
