import { SMALLEST_RESPONSE_BYTES } from '@gatebench/mock-provider/completion'
import type { RunConfig } from './config.ts'
import { requestsInFlight } from './file-limits.ts'
import { requestBytesMin } from './request-body.ts'

/** Settings that are each fine and together cannot give a result. Empty when there are none. */
export function contradictions(config: Readonly<RunConfig>): string[] {
  const {
    ratePerSec,
    durationMs,
    warmupMs,
    mockLatencyMs,
    mockJitterMs,
    timeoutMs,
    connections,
    gateway,
    responseBytes,
  } = config
  const problems: string[] = []
  const slowestMs = mockLatencyMs + mockJitterMs

  if (ratePerSec * durationMs < 1000) {
    problems.push(`--rate and --duration: plan less than one request, got ${ratePerSec}/s for ${durationMs} ms`)
  }
  if (responseBytes < SMALLEST_RESPONSE_BYTES) {
    problems.push(
      `--response-size: must be at least ${SMALLEST_RESPONSE_BYTES} bytes, the smallest whole completion, got ${responseBytes}`,
    )
  }
  if (mockJitterMs > mockLatencyMs) {
    problems.push(
      `--jitter: must be at most the latency of ${mockLatencyMs} ms, or delays were negative, got ${mockJitterMs} ms`,
    )
  }
  if (timeoutMs > 0 && timeoutMs <= slowestMs) {
    problems.push(
      `--timeout: must be above the mock's slowest answer of ${slowestMs} ms, or requests fail by design, got ${timeoutMs} ms`,
    )
  }
  // The first answers come one delay after the first requests: until then nothing is in a steady state.
  if (warmupMs > 0 && warmupMs < slowestMs) {
    problems.push(
      `--warmup: must be at least the mock's slowest answer of ${slowestMs} ms, or the window opens before the first ` +
        `answers; write 0 to measure from a cold start; got ${warmupMs} ms`,
    )
  }
  const inFlight = Math.ceil(requestsInFlight(ratePerSec, mockLatencyMs))
  if (connections > 0 && connections < inFlight) {
    problems.push(
      `--connections: must be at least ${inFlight}, since ${ratePerSec}/s at ${mockLatencyMs} ms keeps that many in ` +
        `flight and what exceeds them is dropped; write 0 to derive them; got ${connections}`,
    )
  }
  if (connections > 0 && connections < config.threads) {
    problems.push(`--connections: must be at least one for each of ${config.threads} threads, got ${connections}`)
  }
  if (gateway.concurrency > gateway.bufferSize) {
    problems.push(
      `--concurrency: must be at most the buffer size of ${gateway.bufferSize}, got ${gateway.concurrency}; ` +
        'lower it or raise --buffer-size',
    )
  }
  const leastRequestBytes = requestBytesMin(config.model, config.body)
  if (config.requestBytes < leastRequestBytes) {
    problems.push(
      `--request-size: must be at least ${leastRequestBytes} bytes with model "${config.model}"` +
        `${Object.keys(config.body).length > 0 ? ' and the members of --body' : ''}, got ${config.requestBytes}`,
    )
  }
  if (config.target !== 'builtin') {
    const only = `is for the built-in gateway, and the target is ${config.target}; leave it out`
    if (gateway.config !== undefined) problems.push(`--gateway-config: ${only}`)
    if (gateway.workers > 1) problems.push(`--workers: ${only}`)
  }
  return problems
}
