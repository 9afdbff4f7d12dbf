import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { TargetError } from '../errors.ts'
import { EXIT_WITH_PARENT } from '../processes.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Exit code of a process that a signal ended, as shells give it. */
const CODE_OF_SIGNAL: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGKILL: 137, SIGTERM: 143 }

/**
 * Runs one of our programs in the foreground, with our own stdin, stdout and stderr, and passes signals on.
 *
 * @param main A module's URL.
 * @returns its exit code.
 */
export async function serve(main: string, args: readonly string[]): Promise<number> {
  // Detached: a terminal's Ctrl-C would otherwise reach it twice, and a second signal means "at once".
  const child = spawn(process.execPath, [...EXIT_WITH_PARENT, fileURLToPath(main), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    detached: true,
  })
  const forward = (signal: NodeJS.Signals) => child.kill(signal)
  const kill = () => child.kill('SIGKILL')
  for (const signal of SIGNALS) process.on(signal, forward)
  process.on('exit', kill)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (error) => {
        reject(new TargetError(`${main}: could not be started: ${error.message}`, { cause: error }))
      })
      child.once('exit', (code, signal) => {
        resolve(code ?? CODE_OF_SIGNAL[signal ?? 'SIGTERM'] ?? 1)
      })
    })
  } finally {
    for (const signal of SIGNALS) process.off(signal, forward)
    process.off('exit', kill)
  }
}
