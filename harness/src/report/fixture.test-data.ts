import type { Result } from '../recording.ts'

/**
 * A whole Result with invented numbers, for tests only. The figures are round or repeat a digit so that none can be
 * taken for a measurement, and no two rows share one, so that a swapped column shows.
 */
export function fixtureResult(change: Partial<Result> = {}): Result {
  const stage = (mean: number) => ({
    count: 290_000,
    mean,
    p50: mean * 0.9,
    p90: mean * 1.5,
    p99: mean * 3,
    p999: mean * 5,
    max: mean * 10,
  })
  const latency = (shift: number) => ({
    mean: 1502.22 + shift,
    min: 1500.11 + shift,
    p50: 1501.11 + shift,
    p90: 1505.55 + shift,
    p95: 1509.99 + shift,
    p99: 1533.33 + shift,
    p999: 1555.55 + shift,
    max: 1611.11 + shift,
    stddev: 4.44,
  })
  return {
    schemaVersion: 1,
    id: '20261120T170331Z-builtin-t3.medium',
    startedAt: '2026-11-20T17:03:31.000Z',
    finishedAt: '2026-11-20T17:04:41.000Z',
    command: ['run', '--rate', '5000', '--duration', '60', '--header', 'x-note: invented'],
    target: { name: 'builtin', version: '0.1.0', url: 'http://127.0.0.1:41001', managed: true },
    profile: 't3.medium',
    profileMachine: { vcpus: 2, memoryGiB: 4 },
    plan: {
      arrival: 'constant',
      ratePerSec: 5000,
      durationMs: 60_000,
      warmupMs: 5000,
      requests: 300_000,
      timeoutMs: 30_000,
      connections: 8750,
      seed: 1,
      requestBytes: 130,
      responseBytes: 1370,
      mockLatencyMs: 1500,
      mockJitterMs: 0,
      model: 'openai/gpt-4o-mini',
      threads: 1,
      probeRatePerSec: 20,
      gateway: { concurrency: 15_000, bufferSize: 15_000, initialPoolSize: 10_000, nodeFlags: [] },
    },
    environment: {
      node: '24.21.0',
      os: 'Linux 6.66.6',
      cpuModel: 'Invented CPU @ 7.77GHz',
      vcpus: 2,
      memoryMiB: 24_576,
      instanceType: null,
      gitCommit: '0123456789abcdef0123456789abcdef01234567',
      files: 20_000,
    },
    verdict: {
      valid: true,
      checks: [
        {
          name: 'achieved_rate',
          ok: true,
          value: 0.9999,
          limit: 0.99,
          unit: 'ratio',
          means: 'The driver sent what the plan asked for.',
        },
        {
          name: 'schedule_lag',
          ok: true,
          value: 0.222,
          limit: 5,
          unit: 'ms',
          means: 'Requests left close to the instants at which they were due.',
        },
        {
          name: 'host_steal',
          ok: true,
          unit: '%',
          means: 'The hypervisor took little CPU time away.',
        },
      ],
    },
    requests: {
      planned: 300_000,
      sent: 300_000,
      ok: 300_000,
      failed: 0,
      dropped: 0,
      successRate: 1,
      byStatus: { '200': 300_000 },
      byError: {},
    },
    rate: { targetPerSec: 5000, sentPerSec: 5000, completedPerSec: 4998.8 },
    latencyMs: { fromDue: latency(0.11), fromSent: latency(0) },
    driver: {
      scheduleLagMs: { mean: 0.11, p50: 0.099, p99: 0.222, p999: 0.333, max: 1.444 },
      cpuUsPerRequest: 44.4,
      eventLoopUtilization: 0.33,
      threads: 1,
      connectionsOpened: 8750,
      connectionsOpenedInWindow: 0,
      inFlightMax: 7612,
    },
    mock: { delayErrorMs: { mean: 0.5, p50: 0.444, p99: 1.111, max: 9.999 } },
    floor: { probes: 1200, meanUs: 222.2, p50Us: 200.2, p99Us: 999.9, lost: 0 },
    ping: { pings: 1_190, meanUs: 433.3, p50Us: 399.9, p99Us: 888.8, lost: 0 },
    stagesUs: {
      queue_wait: stage(1.11),
      key_selection: { ...stage(0.02), belowClock: { clockUs: 0.04, batchMeanUs: 0.016 } },
      message_formatting: stage(0.222),
      params_preparation: stage(0.333),
      request_body_preparation: stage(0.444),
      json_marshaling: stage(5.55),
      request_setup: stage(6.66),
      http_request: stage(1_501_111),
      response_parsing: stage(33.3),
      error_handling: { ...stage(0.01), belowClock: { clockUs: 0.04 } },
      request_reading: stage(77.7),
      response_sending: stage(88.8),
    },
    overheadUs: {
      published: { mean: 8.77, p50: 7.77, p99: 22.2 },
      in_process: { mean: 214.2, p50: 199.9, p99: 666.6 },
      client: { mean: 1111.1, p50: 888.8, p99: 5555.5 },
    },
    ledgerUs: {
      requests: 290_000,
      rows: [
        { name: 'client_gateway_transport', mean: 444.44, covers: 'socket and kernel between driver and gateway' },
        { name: 'request_reading', mean: 77.7 },
        { name: 'queue_wait', mean: 1.11 },
        { name: 'key_selection', mean: 0.02 },
        { name: 'gateway_mock_transport', mean: 111.11 },
        { name: 'mock_delay', mean: 1_501_500 },
        { name: 'response_sending', mean: 88.8 },
      ],
      total: 1_502_235.27,
      unattributed: 12.09,
      generatorLagUs: 111.22,
      addedUs: 512.3,
      unattributedPctOfAdded: 2.36,
    },
    resources: {
      gateway: {
        rssPeakMiB: 333.3,
        rssMeanMiB: 300.3,
        cpuCores: 0.55,
        cpuUserCores: 0.4,
        cpuSystemCores: 0.15,
        cpuUsPerRequest: 110.1,
        processes: 1,
      },
      mock: {
        rssPeakMiB: 222.2,
        rssMeanMiB: 200.2,
        cpuCores: 0.33,
        cpuUserCores: 0.22,
        cpuSystemCores: 0.11,
        cpuUsPerRequest: 66.6,
        processes: 1,
      },
      driver: {
        rssPeakMiB: 199.9,
        rssMeanMiB: 188.8,
        cpuCores: 0.22,
        cpuUserCores: 0.12,
        cpuSystemCores: 0.1,
        cpuUsPerRequest: 44.4,
        processes: 1,
      },
      host: { stealPct: 0.11, busyPct: 66.6 },
    },
    timeline: Array.from({ length: 3 }, (_, second) => ({
      second,
      sent: 5000,
      ok: 5000,
      failed: 0,
      dropped: 0,
      p50Ms: 1501 + second,
      p99Ms: 1530 + second,
      lagP99Ms: 0.2,
      gatewayRssMiB: 300 + second,
      gatewayCpuCores: 0.5,
    })),
    ...change,
  }
}

/** The same value with some keys left out, as where a figure was not measured. */
export function without<T extends object, K extends keyof T>(value: T, ...keys: K[]): Omit<T, K> {
  const rest = { ...value }
  for (const key of keys) Reflect.deleteProperty(rest, key)
  return rest
}

/** A run of which nothing but the counts of its requests is known. */
export function bareResult(): Result {
  const rest = without(fixtureResult(), 'latencyMs', 'stagesUs', 'overheadUs', 'ledgerUs', 'floor')
  return { ...rest, driver: { threads: 1 }, mock: {}, resources: {}, timeline: [] }
}
