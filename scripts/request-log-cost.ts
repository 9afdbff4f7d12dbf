/**
 * What does the gateway's request log cost? Records at an even pace into each kind of log, in turns; CPU is the whole
 * process's, so with the thread that writes. `off` makes the records and drops them: the others minus it is the price.
 *
 *   node scripts/request-log-cost.ts [--rate 5000] [--seconds 10] [--rounds 3] [--database-url postgres://...]
 *
 * PostgreSQL is measured where --database-url or DATABASE_URL names a server; rows go into its table gateway_requests.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DEFAULTS, type RequestLogConfig } from '../gateway/src/config.ts'
import type { RequestRecord } from '../gateway/src/core/request-log.ts'
import { openRequestLog } from '../gateway/src/log/request-log.ts'
import { median } from './lib/support.ts'

const TARGET_US = 5
const WARM_UP_MS = 1_000
const TICK_MS = 1
const ADDS_ONE_BY_ONE = 1_000

interface Turn {
  /** Of the whole process, per record. */
  cpuUs: number
  /** What a request waits for, one at a time: `add`, and in synchronous mode the row being on disk; median. */
  addUs: number
  written: number
  dropped: number
}

const { values: flags } = parseArgs({
  options: {
    rate: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    'database-url': { type: 'string', default: process.env['DATABASE_URL'] ?? '' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (flags.help) {
  console.log(
    'node scripts/request-log-cost.ts [--rate 5000] [--seconds 10] [--rounds 3] [--database-url postgres://...]',
  )
  console.log('CPU per record of the request log: off, batched, synchronous, in turns.')
} else await compare(Number(flags.rate), Number(flags.seconds) * 1_000, Number(flags.rounds), flags['database-url'])

async function compare(ratePerSec: number, durationMs: number, rounds: number, databaseUrl: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'request-log-cost-'))
  try {
    const synchronous = { ...DEFAULTS.requestLog, mode: 'synchronous' } as const
    const kinds: Record<string, RequestLogConfig | undefined> = {
      off: undefined,
      'SQLite, batched': { store: 'sqlite', path: join(folder, 'batched.db'), ...DEFAULTS.requestLog },
      'SQLite, synchronous': { store: 'sqlite', path: join(folder, 'synchronous.db'), ...synchronous },
    }
    if (databaseUrl !== '') {
      kinds['PostgreSQL, batched'] = { store: 'postgres', url: databaseUrl, ...DEFAULTS.requestLog }
      kinds['PostgreSQL, synchronous'] = { store: 'postgres', url: databaseUrl, ...synchronous }
    }
    const turns = new Map(Object.keys(kinds).map((name) => [name, [] as Turn[]]))
    for (let round = 1; round <= rounds; round++) {
      for (const [name, config] of Object.entries(kinds)) {
        const turn = await measure(config, ratePerSec, durationMs)
        turns.get(name)!.push(turn)
        console.log(`round ${round}: ${name.padEnd(24)} ${turn.cpuUs.toFixed(1)} us CPU a record`)
      }
    }
    print(turns, ratePerSec)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function measure(config: RequestLogConfig | undefined, ratePerSec: number, durationMs: number): Promise<Turn> {
  const log = config && (await openRequestLog(config, console.warn))
  const pending: Promise<void>[] = []
  const add = (index: number): void => {
    const done = log?.add(recordOf(index))
    if (done) pending.push(done)
  }
  await addAtPace(ratePerSec, WARM_UP_MS, add)
  await Promise.all(pending)
  pending.length = 0
  const before = process.cpuUsage()
  const added = await addAtPace(ratePerSec, durationMs, add)
  await Promise.all(pending)
  const cpu = process.cpuUsage(before)
  const addsUs: number[] = []
  for (let index = 0; index < ADDS_ONE_BY_ONE; index++) {
    const record = recordOf(index)
    const beganMs = performance.now()
    // Not awaited where there is nothing to wait for: the next turn of the loop is not the log's cost.
    const done = log?.add(record)
    if (done) await done
    addsUs.push((performance.now() - beganMs) * 1e3)
  }
  await log?.close()
  const { written, dropped } = log?.counters ?? { written: 0, dropped: 0 }
  return { cpuUs: (cpu.user + cpu.system) / added, addUs: median(addsUs), written, dropped }
}

/** Adds what is due at each tick, as answers come in a few at a time; returns how many. */
async function addAtPace(ratePerSec: number, durationMs: number, add: (index: number) => void): Promise<number> {
  const total = Math.round((ratePerSec * durationMs) / 1_000)
  const startMs = performance.now()
  for (let index = 0; index < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * ratePerSec) / 1_000))
    while (index < due) add(index++)
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  return total
}

function recordOf(index: number): RequestRecord {
  return {
    finishedAtMs: Date.now(),
    requestType: 'chat_completion',
    provider: 'openai',
    model: index % 3 === 0 ? 'gpt-4o' : 'gpt-4o-mini',
    keyName: `key-${index % 2}`,
    status: 200,
    errorCode: '',
    totalUs: 1_502_000 + (index % 977),
    upstreamUs: 1_501_700 + (index % 911),
    overheadUs: 300 + (index % 53),
    queueWaitUs: index % 17,
    firstTokenUs: 0,
    inputTokens: 100 + (index % 101),
    outputTokens: 300 + (index % 211),
    retries: 0,
    fallbackIndex: 0,
    labels: `{"team-id":"team-${index % 20}"}`,
  }
}

function print(turns: Map<string, Turn[]>, ratePerSec: number): void {
  const offUs = medianOf(turns.get('off')!, 'cpuUs')
  console.log(`\n${ratePerSec} records/s; medians of the rounds, rows in all of them\n`)
  console.log('| log | CPU a record, us | over off, us | request waits, us | rows written | dropped |')
  console.log('|---|---|---|---|---|---|')
  for (const [name, rows] of turns) {
    const cpuUs = medianOf(rows, 'cpuUs')
    const cells = [cpuUs, cpuUs - offUs, medianOf(rows, 'addUs')].map((value) => value.toFixed(1))
    console.log(`| ${[name, ...cells, total(rows, 'written'), total(rows, 'dropped')].join(' | ')} |`)
  }
  for (const [name, rows] of turns) {
    if (!name.endsWith('batched')) continue
    const costUs = medianOf(rows, 'cpuUs') - offUs
    const met = costUs <= TARGET_US
    if (!met) process.exitCode = 1
    console.log(`${name}: ${costUs.toFixed(1)} us of CPU a request, target <= ${TARGET_US}: ${met ? 'met' : 'MISSED'}`)
  }
}

function total(turns: readonly Turn[], field: keyof Turn): number {
  return turns.reduce((sum, turn) => sum + turn[field], 0)
}

function medianOf(turns: readonly Turn[], field: keyof Turn): number {
  return median(turns.map((turn) => turn[field]))
}
