import { fileURLToPath } from 'node:url'
import type { RunConfig } from './config.ts'
import { startProgram, type RunningProgram } from './processes.ts'

const MAIN = import.meta.resolve('@gatebench/mock-provider/main')

/** The mock of this repository, in a process of its own, with the delay and size that the run asks for. */
export function startMock(config: RunConfig, signal: AbortSignal): Promise<RunningProgram> {
  return startProgram({
    name: 'mock',
    script: fileURLToPath(MAIN),
    args: [
      ...['--host', '127.0.0.1', '--port', '0'],
      ...['--latency', `${config.mockLatencyMs}ms`, '--jitter', `${config.mockJitterMs}ms`],
      ...['--response-size', String(config.responseBytes), '--seed', String(config.seed)],
    ],
    signal,
  })
}
