/**
 * The main job against its targets: both profiles with all flags at their defaults, in turns, so that the machine's moods
 * fall on both. Prints every run, then each target with the median of the valid runs and the worst of them; what invalid
 * runs measured stands beside it in brackets and is not judged.
 *
 *   node scripts/main-job.ts [--rounds 3] [--duration 60] [--out results] [--features]
 *
 * --features: all of the gateway's rules on, and the request log batched into SQLite (scripts/lib/features.ts); the targets
 * are the same.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Result } from '../harness/src/recording.ts'
import { FEATURES_IN_WORDS, featureFlags } from './lib/features.ts'
import { temporaryFolder } from './lib/programs.ts'
import { median, runBench } from './lib/support.ts'

const PROFILES = ['t3.medium', 't3.xlarge'] as const
type Profile = (typeof PROFILES)[number]

interface Target {
  what: string
  read: (result: Result) => number | undefined
  /** Bounds for each profile, or for both. */
  reach: number | Record<Profile, number>
  stretch: number | Record<Profile, number>
}

const stage = (name: string) => (result: Result) => result.stagesUs?.[name]?.mean

const TARGETS: readonly Target[] = [
  { what: 'requests lost', read: (r) => r.requests.planned - r.requests.ok, reach: 0, stretch: 0 },
  {
    what: 'latency mean, ms',
    read: (r) => r.latencyMs?.fromDue.mean,
    reach: { 't3.medium': 1515, 't3.xlarge': 1520 },
    stretch: { 't3.medium': 1515, 't3.xlarge': 1520 },
  },
  {
    what: 'latency p99, ms',
    read: (r) => r.latencyMs?.fromDue.p99,
    reach: { 't3.medium': 1580, 't3.xlarge': 1650 },
    stretch: { 't3.medium': 1540, 't3.xlarge': 1580 },
  },
  { what: 'gateway peak, MiB', read: (r) => r.resources.gateway?.rssPeakMiB, reach: 600, stretch: 350 },
  { what: 'published overhead mean, us', read: (r) => r.overheadUs?.published?.mean, reach: 11, stretch: 5 },
  { what: 'queue wait mean, us', read: stage('queue_wait'), reach: 1.7, stretch: 0.5 },
  { what: 'JSON marshaling mean, us', read: stage('json_marshaling'), reach: 15, stretch: 5 },
  { what: 'response parsing mean, us', read: stage('response_parsing'), reach: 80, stretch: 30 },
  { what: 'unattributed, % of added', read: (r) => r.ledgerUs?.unattributedPctOfAdded, reach: 5, stretch: 2 },
]

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    duration: { type: 'string', default: '60' },
    out: { type: 'string', default: 'results' },
    features: { type: 'boolean', default: false },
  },
})
const folder = flags.features ? temporaryFolder('main-job') : undefined
if (folder !== undefined) console.log(`with ${FEATURES_IN_WORDS}, and the request log batched into SQLite`)

const results: Record<Profile, Result[]> = { 't3.medium': [], 't3.xlarge': [] }
for (let round = 1; round <= Number(flags.rounds); round++) {
  for (const profile of PROFILES) {
    // A database of its own for each run: it grows by a row for each request.
    const features = folder === undefined ? [] : featureFlags(join(folder, `${round}-${profile}`), { requestLog: true })
    const result = await runBench(['--profile', profile, '--duration', flags.duration, '--out', flags.out, ...features])
    results[profile].push(result)
    const shown = TARGETS.map(({ what, read }) => `${what} ${read(result)?.toFixed(2) ?? 'not measured'}`)
    const failed = result.verdict.checks.filter(({ ok }) => !ok).map(({ name }) => name)
    console.log(`  ${failed.length === 0 ? 'VALID' : `INVALID (${failed.join(', ')})`}  ${shown.join(' | ')}`)
  }
}

for (const profile of PROFILES) {
  const valid = results[profile].filter(({ verdict }) => verdict.valid)
  const invalid = results[profile].filter(({ verdict }) => !verdict.valid)
  console.log(
    `\n${profile}: ${valid.length} of ${results[profile].length} runs valid; their median (worst) [invalid runs, not judged]; reach, stretch`,
  )
  for (const { what, read, reach, stretch } of TARGETS) {
    const values = valid.map(read).filter((value) => value !== undefined)
    const bound = (limit: Target['reach']): number => (typeof limit === 'number' ? limit : limit[profile])
    const limits = `<= ${bound(reach)}, ${bound(stretch)}`
    const notJudged = invalid.map((result) => read(result)?.toFixed(2) ?? 'not measured')
    const aside = notJudged.length === 0 ? '' : ` [${notJudged.join(', ')}]`
    if (values.length === 0) {
      const none = valid.length === 0 ? 'no valid run' : 'not measured'
      console.log(`  ${what.padEnd(28)} ${`${none}${aside}`.padEnd(22)} ${limits}  not judged`)
      continue
    }
    const middle = median(values)
    const verdict = middle <= bound(stretch) ? 'stretch' : middle <= bound(reach) ? 'reach' : 'MISSED'
    const figures = `${middle.toFixed(2)} (${Math.max(...values).toFixed(2)})${aside}`
    console.log(`  ${what.padEnd(28)} ${figures.padEnd(22)} ${limits}  ${verdict}`)
  }
}
