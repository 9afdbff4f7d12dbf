/**
 * How late the driver sends: schedule lag (due to sent) at 5,000/s straight to a 50 ms mock, three runs of the command line.
 *
 *   node scripts/schedule-lag.ts [--runs 3] [--rate 5000] [--seconds 20]
 */
import { parseArgs } from 'node:util'
import { temporaryFolder } from './lib/programs.ts'
import { median, runBench } from './lib/support.ts'

const TARGET_P99_MS = 1
const STRETCH_P99_MS = 0.3
const SHOWN = ['p50', 'p99', 'max'] as const
type Lag = Record<(typeof SHOWN)[number], number>

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    rate: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '20' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

if (flags.help) console.log('node scripts/schedule-lag.ts [--runs 3] [--rate 5000] [--seconds 20]')
else await measure()

async function measure(): Promise<void> {
  const folder = temporaryFolder('schedule-lag')
  const lags: Lag[] = []
  for (let run = 1; run <= Number(flags.runs); run++) {
    const lag = await lagOfOneRun(folder)
    lags.push(lag)
    console.log(`run ${run}: ${SHOWN.map((name) => `${name} ${lag[name].toFixed(3)} ms`).join('   ')}`)
  }
  const medians = SHOWN.map((name) => `${name} ${median(lags.map((lag) => lag[name])).toFixed(3)} ms`)
  console.log(`medians: ${medians.join('   ')}   (p99: reach ${TARGET_P99_MS} ms, stretch ${STRETCH_P99_MS} ms)`)
}

async function lagOfOneRun(folder: string): Promise<Lag> {
  const args = ['--target', 'direct', '--rate', flags.rate, '--latency', '50ms', '--duration', flags.seconds]
  const { driver } = await runBench([...args, '--out', folder])
  if (!driver.scheduleLagMs) throw new Error('no request was sent')
  return driver.scheduleLagMs
}
