import { availableParallelism } from 'node:os'
import { setFlagsFromString } from 'node:v8'

// Requests that wait for 1.5 s outlive V8's young generation, and each scavenge copies what lives there. With 7,500
// waiting, the semi-space that V8 grows to 16 MiB makes a scavenge take 20 ms and more, and every answer that falls due
// meanwhile is late by that. Kept at its first 1 MiB a scavenge takes about 1 ms. In two interleaved rounds of the
// t3.xlarge profile, 10 s each, on a busy machine, peak memory was 331 and 337 MiB against 423 to 472 with semi-spaces of
// 4 and 8 MiB, and the p99 of the delay error 10 and 49 ms against 24 to 171.
setFlagsFromString('--semi-space-growth-factor=1')

// What is promoted from there, 17 MB a second at that load, V8 lets pile up to 430 MiB of resident memory. With its limit
// at half above what lives it is 260 to 290 MiB, for a full collection every 2 or 3 s. Each of those marked with four
// threads for 90 ms, which took two cores from everybody (p99 of the delay error 3.3 ms); with one thread p99 is 1.2 to 1.4,
// as with V8's own limit. (5,000/s straight to the mock for 15 s, in turns; 17 MB and 90 ms: --trace-gc-nvp.)
// A mock that has one core for itself shares it with that thread, and p99 was 12 to 19 ms: there V8's own limit stays.
if (availableParallelism() > 1) {
  setFlagsFromString('--heap-growing-percent=50')
  setFlagsFromString('--concurrent-marking-max-worker-num=1')
}

// Loaded after all that and not beside it: loading Fastify alone makes the semi-space grow to 4 MiB.
await import('./program.ts')
