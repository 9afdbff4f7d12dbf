import cluster from 'node:cluster'
import { MockUsageError, readConfig as readWritten, type WrittenConfig } from './config.ts'
import { listenProblem } from './listen-problem.ts'
import { createMockServer } from './server.ts'
import { readStartConfig } from './start-config.ts'
import { Primary } from './workers/primary.ts'
import { runWorker } from './workers/worker.ts'

const EXIT = { callerGone: 1, usage: 2, cannotListen: 3 }
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 }
const DAY_MS = 86_400_000

/** The mock, in this process or in several that it looks after. */
interface Mock {
  listen(): Promise<string>
  close(): Promise<void>
}

function readConfig(): WrittenConfig {
  try {
    const parsed = readStartConfig(process.argv.slice(2), process.env)
    if ('written' in parsed) return parsed.written
    process.stdout.write(parsed.help)
    process.exit(0)
  } catch (error) {
    if (!(error instanceof MockUsageError)) throw error
    process.stderr.write(`bench mock: ${error.message}\n`)
    process.exit(EXIT.usage)
  }
}

function drainOnSignals(mock: Mock): void {
  let draining = false
  for (const [signal, number] of Object.entries(SIGNAL_NUMBERS)) {
    process.on(signal, () => {
      if (draining) process.exit(128 + number)
      draining = true
      void mock.close().then(() => process.exit(0))
    })
  }
}

/** Whoever started it with a channel, as the bin does, ends it by being gone. */
function endWithCaller(): void {
  if (process.connected) process.on('disconnect', () => process.exit(EXIT.callerGone))
}

async function run(): Promise<void> {
  endWithCaller()
  const written = readConfig()
  const { host, port, workers } = readWritten(written).config
  const mock: Mock = workers > 1 ? new Primary(written) : createMockServer(written)
  drainOnSignals(mock)
  try {
    const url = await mock.listen()
    // It ends by a signal alone: while it refuses connections it may have nothing open that keeps it running.
    setInterval(() => undefined, DAY_MS)
    process.stdout.write(`${JSON.stringify({ event: 'listening', url })}\n`)
  } catch (error) {
    process.stderr.write(`bench mock: ${listenProblem(error as NodeJS.ErrnoException, host, port)}\n`)
    process.exit(EXIT.cannotListen)
  }
}

if (cluster.isWorker) runWorker()
else await run()
