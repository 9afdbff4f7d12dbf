/** One run, fully decided: every field is set, in the unit that its name carries. */
export interface RunConfig {
  /** Planned rate, requests per second, > 0. @default 5_000 */
  ratePerSec: number
  /** Measured window, ms, > 0; the warm-up comes before it. @default 60_000 */
  durationMs: number
  /** Load at the full rate before the window opens, ms; its requests are in no statistic. 0 for none. @default 5_000 */
  warmupMs: number
  /** `builtin`, `direct` (no gateway: the mock itself), or the base URL of a running gateway (http only). @default 'builtin' */
  target: string
  /** Name of the profile that the defaults came from. @default 't3.medium' */
  profile: string
  /** The machine that the profile was published for; only a label off that machine. */
  profileMachine: { vcpus: number; memoryGiB: number }
  /** The mock's delay, ms, >= 0. @default 1_500 */
  mockLatencyMs: number
  /** Uniform spread around the mock's delay: each answer takes latency +- jitter, ms. @default 0 */
  mockJitterMs: number
  /** Whole answer body of the mock, bytes. @default 1_370 (t3.medium) */
  responseBytes: number
  /** Whole request body, bytes. @default 130 */
  requestBytes: number
  /** `model` of every request. @default 'openai/gpt-4o-mini' */
  model: string
  /** Extra request headers, for targets that want a key; lower-case names. @default {} */
  headers: Record<string, string>
  /** Connections opened before the warm-up, over all threads; 0 derives them from rate x latency. @default 0 */
  connections: number
  /** Give up on a request after this many ms; 0 waits for ever. @default 30_000 */
  timeoutMs: number
  /** Driver threads. @default 1 */
  threads: number
  /** Seed of everything that is drawn by chance. @default 1 */
  seed: number
  /** Requests per second sent past the gateway, straight to the mock, to measure the floor; 0 for none. @default 20 */
  probeRatePerSec: number
  /** Settings of the built-in gateway. */
  gateway: {
    /** @default per profile */
    concurrency: number
    /** @default 15_000 (t3.medium), 20_000 (t3.xlarge) */
    bufferSize: number
    /** @default 10_000 (t3.medium), 15_000 (t3.xlarge) */
    initialPoolSize: number
  }
  /** Folder that the run's own folder is made in. @default 'results' */
  outDir: string
  /** Print result.json instead of the summary. @default false */
  json: boolean
  /** Print nothing but errors. @default false */
  quiet: boolean
}
