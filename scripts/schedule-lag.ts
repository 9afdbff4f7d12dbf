/**
 * How late the driver sends: schedule lag (due to sent) at 5,000/s straight to a 50 ms mock, three runs of the command line.
 *
 *   node scripts/schedule-lag.ts [--runs 3] [--rate 5000] [--seconds 20]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Result } from '../harness/src/recording.ts'

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
  const folder = mkdtempSync(join(tmpdir(), 'schedule-lag-'))
  try {
    const lags: Lag[] = []
    for (let run = 1; run <= Number(flags.runs); run++) {
      const lag = await lagOfOneRun(folder)
      lags.push(lag)
      console.log(`run ${run}: ${SHOWN.map((name) => `${name} ${lag[name].toFixed(3)} ms`).join('   ')}`)
    }
    const medians = SHOWN.map((name) => `${name} ${median(lags.map((lag) => lag[name])).toFixed(3)} ms`)
    console.log(`medians: ${medians.join('   ')}   (p99: reach ${TARGET_P99_MS} ms, stretch ${STRETCH_P99_MS} ms)`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function lagOfOneRun(folder: string): Promise<Lag> {
  const bench = fileURLToPath(new URL('../harness/bin/bench.js', import.meta.url))
  const args = ['--target', 'direct', '--rate', flags.rate, '--latency', '50ms', '--duration', flags.seconds]
  const command = [process.execPath, bench, ...args, '--json', '--out', folder]
  console.log(`$ ${command.join(' ')}`)
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  // Interrupted, bench ends the programs that it has started.
  const stop = (): void => void child.kill('SIGINT')
  process.once('SIGINT', stop).once('SIGTERM', stop).once('exit', stop)
  const texts: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => texts.push(text))
  const [code] = (await once(child, 'close')) as [number | null]
  for (const event of ['SIGINT', 'SIGTERM', 'exit']) process.removeListener(event, stop)
  // 1: a check failed, on a busy machine perhaps that of the lag itself; the figures stand all the same.
  if (code !== 0 && code !== 1) throw new Error(`bench ended with ${code}`)
  const { driver, verdict } = JSON.parse(texts.join('')) as Result
  for (const { name, value, limit, unit } of verdict.checks.filter(({ ok }) => !ok)) {
    console.log(`  check failed: ${name}, ${value ?? 'not measured'} against ${limit ?? 'no limit'} ${unit}`)
  }
  if (!driver.scheduleLagMs) throw new Error('the run sent nothing')
  return driver.scheduleLagMs
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
