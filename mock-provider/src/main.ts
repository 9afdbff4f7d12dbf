import { setFlagsFromString } from 'node:v8'

// Requests that wait for 1.5 s outlive V8's young generation, and each scavenge copies what lives there. With 7,500
// waiting, the semi-space that V8 grows to 16 MiB makes a scavenge take 20 ms and more, and every answer that falls due
// meanwhile is late by that. Kept at its first 1 MiB a scavenge takes about 1 ms. In two interleaved rounds of the
// t3.xlarge profile, 10 s each, on a busy machine, peak memory was 331 and 337 MiB against 423 to 472 with semi-spaces of
// 4 and 8 MiB, and the p99 of the delay error 10 and 49 ms against 24 to 171.
setFlagsFromString('--semi-space-growth-factor=1')

// Loaded after that and not beside it: loading Fastify alone makes the semi-space grow to 4 MiB.
await import('./program.ts')
