import { setFlagsFromString } from 'node:v8'

// Requests that wait for 1.5 s outlive V8's young generation, and each scavenge copies what lives there. With 7,500
// waiting, the semi-space that V8 grows to 16 MiB makes a scavenge take 20 ms and more, and every answer that falls due
// meanwhile is late by that. Kept at its first 1 MiB a scavenge takes about 1 ms. In two interleaved rounds of the
// t3.xlarge profile, 10 s each, on a busy machine, peak memory was 331 and 337 MiB against 423 to 472 with semi-spaces of
// 4 and 8 MiB, and the p99 of the delay error 10 and 49 ms against 24 to 171.
setFlagsFromString('--semi-space-growth-factor=1')
// What they leave is promoted, 18 MB a second of it at that load, and the heap's default limit lets it pile up to 440 MiB
// of resident memory. A limit of half above what lives keeps that below 300 MiB, at a full collection every 2 or 3 s.
setFlagsFromString('--heap-growing-percent=50')
// Each of those marks for 90 ms with as many threads as V8 has, four, which took the two cores from everybody: p99 of the
// delay error 3.3 ms. With one of them it is 1.2 to 1.4 ms, as without the limit. (5,000/s straight to the mock, 15 s, twice
// each in turns; 18 MB: from --trace-gc.)
setFlagsFromString('--concurrent-marking-max-worker-num=1')

// Loaded after all that and not beside it: loading Fastify alone makes the semi-space grow to 4 MiB.
await import('./program.ts')
