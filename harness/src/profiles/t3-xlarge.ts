import type { Profile } from './profile.ts'

/** The larger published set-up, with the larger answers. */
export const t3Xlarge = {
  name: 't3.xlarge',
  machine: { vcpus: 4, memoryGiB: 16 },
  ratePerSec: 5_000,
  durationMs: 60_000,
  warmupMs: 5_000,
  mockLatencyMs: 1_500,
  responseBytes: 10_320,
  requestBytes: 130,
  gateway: { concurrency: 20_000, bufferSize: 20_000, initialPoolSize: 15_000 },
} satisfies Profile
