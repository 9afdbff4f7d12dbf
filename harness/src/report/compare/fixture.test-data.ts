import type {
  CompareRecord,
  ControlRecord,
  FrontierPoint,
  FrontierRecord,
  FrontierTarget,
  Interval,
  TargetRecord,
  Turn,
} from '../../compare/record.ts'

/** A whole comparison with invented numbers, for tests only: five targets measured, one missing, one that failed. */

const ROUNDS = 3

/** Of a width that is a share of the value. */
function around(value: number, share = 0.03): Interval {
  const half = Math.abs(value) * share
  return { value, low: value - half, high: value + half }
}

interface Invented {
  name: string
  title: string
  version?: string
  settings?: string[]
  addedMeanUs: Interval
  cpuUs?: number
  idleMiB?: number
}

const PLANNED = 45_000

function turnsOf({ name, addedMeanUs, cpuUs, idleMiB }: Invented): Turn[] {
  return Array.from({ length: ROUNDS }, (_, i): Turn => {
    const resources =
      cpuUs === undefined || idleMiB === undefined
        ? {}
        : {
            coldStartMs: idleMiB * 9 + i,
            idleMiB,
            steadyMiB: idleMiB * 1.4,
            peakMiB: idleMiB * 1.5 + i,
            recoveredMiB: idleMiB * 1.2,
            growthMiBPerThousand: 0.015,
            cpuUsPerRequest: cpuUs + i,
          }
    return {
      round: i + 1,
      position: 1,
      run: `20261124T10${i}000Z-${name}-t3.medium`,
      valid: true,
      failedChecks: [],
      addedMeanUs: addedMeanUs.value + i,
      completedPerSec: 500,
      mockRequests: 15_000,
      ...resources,
    }
  })
}

function measured(invented: Invented): TargetRecord {
  const { name, title, version, settings = [], addedMeanUs: mean, cpuUs, idleMiB } = invented
  const us = Math.max(1, mean.value)
  return {
    name,
    title,
    ...(version !== undefined && { version }),
    settings,
    status: 'measured',
    turns: turnsOf(invented),
    requests: {
      planned: PLANNED,
      ok: PLANNED,
      failed: 0,
      dropped: 0,
      successRate: 1,
      byStatus: { 200: PLANNED },
      byError: {},
    },
    addedUs: {
      mean,
      p50: around(us * 0.8),
      p99: around(us * 4),
      p999: around(us * 9),
      upperBound: ['p999'],
      requests: PLANNED,
      probes: 1_800,
      basis: 'above_mock',
    },
    latencyMs: {
      mean: around(60.2 + us / 1000, 0.001),
      p50: around(60.1 + us / 1000, 0.001),
      p99: around(61.3 + us / 250, 0.002),
      p999: around(64.4 + us / 100, 0.01),
    },
    completedPerSec: around(499.9, 0.0001),
    ...(cpuUs !== undefined && {
      cpuUsPerRequest: around(cpuUs),
      dollarsPerMillion: {
        instance: 't3.medium',
        dollarsPerHour: 0.0416,
        asOf: '2026-11-01',
        cost: around(cpuUs * 5.8e-6),
      },
    }),
    ...(idleMiB !== undefined && {
      memoryMiB: {
        idle: around(idleMiB),
        steady: around(idleMiB * 1.4),
        peak: around(idleMiB * 1.5),
        recovered: around(idleMiB * 1.2),
      },
      growthMiBPerThousand: around(0.015, 0.4),
      coldStartMs: around(idleMiB * 9),
    }),
    strict: {
      checked: PLANNED,
      wrong: 0,
      byKind: { lost_header: 0, added_field: 0 },
      examples: [],
      answersChecked: PLANNED,
      answersDamaged: 0,
    },
    flags: [],
  }
}

const direct = () =>
  measured({
    name: 'direct',
    title: 'no gateway, straight to the mock',
    addedMeanUs: { value: 0.4, low: -2.1, high: 3.2 },
  })

const nginx = () =>
  measured({
    name: 'nginx',
    title: 'nginx as a reverse proxy',
    version: '1.22.1',
    settings: ['worker_processes 2', 'keepalive 256 to the mock', 'access_log off'],
    addedMeanUs: { value: 48.2, low: 45.9, high: 51.1 },
    cpuUs: 38.3,
    idleMiB: 11.1,
  })

const builtin = () =>
  measured({
    name: 'builtin',
    title: 'the gateway of this project',
    version: '0.1.0',
    settings: ['concurrency 15,000', '--max-semi-space-size=8'],
    addedMeanUs: { value: 231.4, low: 224.1, high: 238.9 },
    cpuUs: 141,
    idleMiB: 88,
  })

const portkey = () =>
  measured({
    name: 'portkey',
    title: 'Portkey AI gateway, from npm',
    version: '1.15.2',
    settings: ['NODE_ENV=production'],
    addedMeanUs: { value: 237.7, low: 229.8, high: 246.6 },
    cpuUs: 333,
    idleMiB: 122,
  })

function litellm(): TargetRecord {
  const target = measured({
    name: 'litellm',
    title: 'LiteLLM proxy, from PyPI',
    version: '1.80.0',
    settings: ['--num_workers 2', 'no database', 'set_verbose: false'],
    addedMeanUs: { value: 4_107, low: 3_890, high: 4_333 },
    cpuUs: 3_555,
    idleMiB: 444,
  })
  Object.assign(target.requests!, {
    ok: 44_966,
    failed: 34,
    successRate: 44_966 / PLANNED,
    byStatus: { 200: 44_966, 500: 30 },
    byError: { http_500: 30, timeout: 4 },
  })
  return {
    ...target,
    strict: {
      checked: 44_998,
      wrong: 12,
      byKind: { changed_field: 12, added_field: 44_998 },
      examples: ['temperature: sent 0.5, arrived as "0.5"'],
      answersChecked: 44_966,
      answersDamaged: 3,
    },
    selfReports: [
      {
        source: 'header x-litellm-overhead-duration-ms',
        claims: 'time in the proxy without the call to the provider',
        meanUs: 1_212,
        p50Us: 1_010,
        p99Us: 3_434,
        requests: 44_966,
        ratioToMeasured: 0.295_106,
      },
    ],
    flags: [
      { name: 'failures', means: '34 of 45,000 requests had no right answer.' },
      { name: 'memory_grows', means: 'Resident memory rose by 0.4 MiB per 1,000 requests in every round.' },
    ],
  }
}

const bifrost = (): TargetRecord => ({
  name: 'bifrost',
  title: 'Bifrost, by its npm launcher',
  settings: [],
  status: 'missing',
  reason:
    'The launcher could not download its binary (getaddrinfo ENOTFOUND). Put the binary on the PATH as bifrost-http.',
  turns: [],
  flags: [],
})

const acme = (): TargetRecord => ({
  name: 'acme',
  title: 'another gateway, by a target file',
  version: '2.0.2',
  settings: ['as shipped'],
  status: 'failed',
  reason:
    'It exited with signal SIGSEGV in round 2, 11.1 s after the window began; its last line was "<fatal> *heap* corrupt".',
  turns: [
    {
      round: 1,
      position: 6,
      run: '20261124T100500Z-acme-t3.medium',
      valid: false,
      failedChecks: ['fresh_answers'],
      coldStartMs: 777,
      completedPerSec: 499,
    },
    { round: 2, position: 6, problem: 'exited with signal SIGSEGV' },
  ],
  flags: [{ name: 'died', means: 'The process ended by itself in round 2.' }],
})

export function fixtureControl(): ControlRecord {
  return {
    ratePerSec: 500,
    durationMs: 10_000,
    rounds: 3,
    mockLatencyMs: 60,
    controls: [
      {
        name: 'splice + 100 us',
        plannedUs: 100,
        actualUs: 101.3,
        foundUs: { value: 103.1, low: 96.6, high: 109.4 },
        holds: true,
        told: true,
      },
      {
        name: 'splice + 500 us',
        plannedUs: 500,
        actualUs: 501.1,
        foundUs: { value: 498.8, low: 490.1, high: 508.7 },
        holds: true,
        told: true,
      },
      {
        name: 'splice + 2,000 us',
        plannedUs: 2000,
        foundUs: { value: 2003, low: 1991, high: 2016 },
        holds: true,
        told: true,
      },
    ],
    nullUs: { value: 1.1, low: -5.5, high: 7.7 },
    smallestUs: 15.2,
  }
}

function frontierTarget(name: string, points: FrontierPoint[]): FrontierTarget {
  return {
    name,
    points,
    trials: [
      { ratePerSec: 1000, p99AddedMs: 0.777, failed: 0, sentPerSec: 1000, completedPerSec: 1000 },
      { ratePerSec: 4000, failed: 22, sentPerSec: 3999.5, completedPerSec: 3888.8 },
    ],
    closedLoop: {
      tool: 'autocannon 8.0.0',
      connections: 64,
      durationMs: 10_000,
      perSec: 5_555,
      errors: 0,
      p99Ms: 66.6,
    },
  }
}

export function fixtureFrontier(): FrontierRecord {
  return {
    trialMs: 8_000,
    mockLatencyMs: 60,
    targets: [
      frontierTarget('nginx', [
        { boundMs: 1, ratePerSec: 9_000, limitedBy: 'driver' },
        { boundMs: 5, ratePerSec: 9_000, limitedBy: 'driver' },
        { boundMs: null, ratePerSec: 12_000, limitedBy: 'search_limit' },
      ]),
      frontierTarget('builtin', [
        { boundMs: 1, ratePerSec: 1_400, firstFailedPerSec: 1_550 },
        { boundMs: 5, ratePerSec: 2_600, firstFailedPerSec: 2_800 },
        { boundMs: null, ratePerSec: 6_000, limitedBy: 'mock' },
      ]),
      {
        name: 'litellm',
        points: [
          { boundMs: 1, firstFailedPerSec: 50 },
          { boundMs: 5, ratePerSec: 120, firstFailedPerSec: 140 },
        ],
        trials: [],
        reason: 'The search without a bound was stopped after 20 trials.',
      },
    ],
  }
}

export function fixtureComparison(change: Partial<CompareRecord> = {}): CompareRecord {
  const targets = [direct(), nginx(), builtin(), portkey(), litellm(), bifrost(), acme()]
  const placed = targets.filter(({ addedUs }) => addedUs !== undefined)
  for (const [i, { turns }] of placed.entries()) {
    for (const turn of turns) turn.position = ((i + turn.round) % placed.length) + 1
  }
  const order = [0, 1, 2].map((round) => [
    ...placed.map((_, at) => placed[(at + 2 * placed.length - round - 1) % placed.length]!.name),
    ...(round < 2 ? ['acme'] : []),
  ])
  const pairs = placed.flatMap((a, i) =>
    placed.slice(i + 1).map((b) => {
      const value = a.addedUs!.mean.value - b.addedUs!.mean.value
      const half = b.name === 'litellm' ? 222 : 12.3
      return {
        a: a.name,
        b: b.name,
        meanUs: { value, low: value - half, high: value + half },
        p99Us: around(a.addedUs!.p99.value - b.addedUs!.p99.value, 0.2),
        distinguishable: Math.abs(value) > half,
      }
    }),
  )
  return {
    schemaVersion: 1,
    kind: 'comparison',
    id: '20261124T100000Z-compare-t3.medium',
    startedAt: '2026-11-24T10:00:00.000Z',
    finishedAt: '2026-11-24T10:13:31.000Z',
    command: ['compare', '--targets', 'direct,nginx,builtin,portkey,litellm,bifrost,acme.json', '--rate', '500'],
    profile: 't3.medium',
    environment: {
      node: '24.21.0',
      os: 'Linux 6.66.6',
      cpuModel: 'Invented CPU @ 7.77GHz',
      vcpus: 2,
      memoryMiB: 24_576,
      instanceType: null,
      gitCommit: 'abcdef123456',
      files: 20_000,
    },
    machine: { busyPct: 2.22, stealPct: 0.01, limitPct: 10, overridden: false },
    plan: {
      ratePerSec: 500,
      durationMs: 30_000,
      warmupMs: 5_000,
      cooldownMs: 5_000,
      rounds: ROUNDS,
      seed: 7,
      requestBytes: 130,
      responseBytes: 1370,
      mockLatencyMs: 60,
      mockJitterMs: 0,
      connections: 64,
      threads: 1,
      probeRatePerSec: 20,
      timeoutMs: 30_000,
    },
    order,
    targets,
    pairs,
    control: fixtureControl(),
    frontier: fixtureFrontier(),
    ...change,
  }
}
