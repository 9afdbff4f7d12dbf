/**
 * The largest rate at 1,500 ms that still is a valid run with every request answered: goes up in steps and ends at the
 * first rate that fails twice, or that this machine's file descriptors do not allow.
 *
 *   node scripts/largest-rate.ts [--from 5000] [--step 500] [--to 8000] [--duration 20]
 */
import { parseArgs } from 'node:util'
import { temporaryFolder } from './lib/programs.ts'
import { BenchError, runBench } from './lib/support.ts'

const TRIES = 2

const { values: flags } = parseArgs({
  options: {
    from: { type: 'string', default: '5000' },
    step: { type: 'string', default: '500' },
    to: { type: 'string', default: '8000' },
    duration: { type: 'string', default: '20' },
  },
})

const folder = temporaryFolder('largest-rate')

async function carries(ratePerSec: number): Promise<boolean> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const args = ['--rate', String(ratePerSec), '--duration', flags.duration, '--out', folder]
    const { requests, verdict, latencyMs } = await runBench(args)
    const failed = verdict.checks.filter(({ ok }) => !ok).map(({ name }) => name)
    const mean = latencyMs?.fromDue.mean.toFixed(1) ?? 'not measured'
    const p99 = latencyMs?.fromDue.p99.toFixed(1) ?? 'not measured'
    console.log(
      `  ${requests.ok} of ${requests.planned} ok, mean ${mean} ms, p99 ${p99} ms, ${failed.length === 0 ? 'valid' : `invalid: ${failed.join(', ')}`}`,
    )
    if (verdict.valid && requests.ok === requests.planned) return true
  }
  return false
}

let largest: number | undefined
try {
  for (let rate = Number(flags.from); rate <= Number(flags.to) && (await carries(rate)); rate += Number(flags.step)) {
    largest = rate
  }
} catch (error) {
  // Too few file descriptors end the search; anything else is a failure of the search.
  if (!(error instanceof BenchError && error.exitCode === 2)) throw error
}
console.log(`largest valid rate with every request answered: ${largest ?? 'none'} /s (reach 6000, stretch 8000)`)
