import { spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { STOP_SIGNALS, type GuardMessage } from './guard-messages.ts'

/**
 * `node guard.ts COMMAND [ARG...]`, with a pipe from bench as file descriptor 3: runs a program that is not ours and
 * knows nothing of such a pipe. When the pipe closes, because bench wants it or because bench is gone, the command and
 * all that it started are killed. The command has its environment, folder and output from the guard.
 */
const [command = '', ...args] = process.argv.slice(2)

// Half open: bench ends its side in order to have the command killed, and still hears how it ended.
const bench = new Socket({ fd: 3, readable: true, writable: true, allowHalfOpen: true })
const tell = (message: GuardMessage) => bench.write(`${JSON.stringify(message)}\n`)
const leave = (code: number) => bench.end(() => process.exit(code))

const atMs = Date.now()
const child = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'] })

/** Also what the command left behind: a group lives as long as one of its processes. */
function killGroup(): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nothing of it is left.
  }
}

for (const signal of STOP_SIGNALS) process.on(signal, () => child.kill(signal))
bench.on('error', killGroup).on('end', killGroup).resume()

child.on('error', (error: NodeJS.ErrnoException) => {
  tell({ event: 'failed', code: error.code ?? error.message })
  leave(1)
})
child.on('exit', (code, signal) => {
  killGroup()
  tell({ event: 'ended', code, signal })
  leave(code ?? 1)
})
if (child.pid !== undefined) tell({ event: 'started', pid: child.pid, atMs })
