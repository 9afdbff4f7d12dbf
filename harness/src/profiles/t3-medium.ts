import type { Profile } from './profile.ts'

/** The smaller published set-up; its values are the defaults of every run. */
export const t3Medium = {
  name: 't3.medium',
  machine: { vcpus: 2, memoryGiB: 4 },
  ratePerSec: 5_000,
  durationMs: 60_000,
  warmupMs: 5_000,
  mockLatencyMs: 1_500,
  responseBytes: 1_370,
  requestBytes: 130,
  // 5,000/s x 1.5 s keeps 7,500 requests in flight: twice that, so that the queue is not what is measured.
  gateway: { concurrency: 15_000, bufferSize: 15_000, initialPoolSize: 10_000 },
} satisfies Profile
