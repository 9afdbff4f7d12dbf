import { execa } from 'execa'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { TargetError } from './errors.ts'

/** Options of node that end a child when this process is gone, however that came about. It needs a pipe as fd 3. */
export const EXIT_WITH_PARENT: readonly string[] = ['--import', new URL('./exit-with-parent.ts', import.meta.url).href]

/** A program asked to stop by SIGTERM drains what it has in flight; after this long it is killed. */
const STOP_GRACE_MS = 10_000
const STDERR_LINES_KEPT = 20

export interface ProgramOptions {
  /** What messages call it. */
  name: string
  /** Path of its entry file. */
  script: string
  args: readonly string[]
  /** Options of node itself, before the script. @default [] */
  nodeFlags?: readonly string[]
  /** Give up when it has not said within this many ms that it listens. @default 30_000 */
  readyTimeoutMs?: number
  /** Grace between SIGTERM and SIGKILL in stop(), ms. @default 10_000 */
  stopGraceMs?: number
  /** Aborted before it is ready: it is killed and startProgram rejects with the signal's reason. */
  signal?: AbortSignal
}

export interface ProgramExit {
  code: number | undefined
  signal: string | undefined
}

/** A child program of ours that listens on `url`. */
export interface RunningProgram {
  readonly name: string
  readonly pid: number
  readonly url: string
  /** Settles when the program has ended, whatever ended it; never rejects. */
  readonly exited: Promise<ProgramExit>
  /** The last lines that it wrote to stderr. */
  stderrTail(): string
  /** SIGTERM, and SIGKILL when it has not ended after the grace time. May be called again. */
  stop(): Promise<void>
}

type Child = ReturnType<typeof spawnNode>

function spawnNode(args: readonly string[]) {
  return execa(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    buffer: false,
    reject: false,
    // A process group of its own: a terminal's Ctrl-C must end the load, not the programs under it.
    detached: true,
    cleanup: false,
  })
}

const living = new Set<Child>()

/** Ends every program that is still running, at once and without draining. For a second Ctrl-C and for exit. */
export function killAllPrograms(): void {
  for (const child of living) child.kill('SIGKILL')
}

/**
 * Starts one of our programs under the node that runs us, and waits until it has printed
 * `{"event":"listening","url":"http://..."}` as a line on stdout.
 *
 * @throws {TargetError} when it cannot be started, ends, or says nothing in time; with its last words.
 */
export async function startProgram(options: ProgramOptions): Promise<RunningProgram> {
  const { name, script, args, nodeFlags = [], readyTimeoutMs = 30_000, signal } = options
  signal?.throwIfAborted()
  const child = spawnNode([...EXIT_WITH_PARENT, ...nodeFlags, script, ...args])
  living.add(child)
  if (!process.listeners('exit').includes(killAllPrograms)) process.on('exit', killAllPrograms)

  const stderr: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    stderr.push(line)
    if (stderr.length > STDERR_LINES_KEPT) stderr.shift()
  })
  const ended = child.then((result) => {
    living.delete(child)
    return result
  })
  const exited = ended.then((result) => ({ code: result.exitCode, signal: result.signal }))
  const died = ended.then((result) => Promise.reject(new Error(`${howItEnded(result)} before it was ready`)))

  try {
    const url = await Promise.race([listeningUrl(child.stdout), died, aborted(readyTimeoutMs, signal)])
    const { pid } = child
    if (pid === undefined) throw new Error('has no process id')
    let stopping: Promise<void> | undefined
    const stop = () => (stopping ??= terminate(child, exited, options.stopGraceMs ?? STOP_GRACE_MS))
    return { name, pid, url, exited, stderrTail: () => stderr.join('\n'), stop }
  } catch (error) {
    child.kill('SIGKILL')
    await exited
    if (signal?.aborted === true) throw error
    const lastWords = stderr.length > 0 ? `; its last words:\n  ${stderr.join('\n  ')}` : ''
    throw new TargetError(`${name}: ${error instanceof Error ? error.message : String(error)}${lastWords}`)
  }
}

function howItEnded(result: { exitCode?: number | undefined; signal?: string | undefined; code?: string | undefined }) {
  if (result.exitCode !== undefined) return `ended with code ${result.exitCode}`
  if (result.signal !== undefined) return `was ended by ${result.signal}`
  return `could not be started (${result.code ?? 'unknown'})`
}

/** Rejects after a time, or with the signal's reason. */
function aborted(timeoutMs: number, signal?: AbortSignal): Promise<never> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const either = signal ? AbortSignal.any([timeout, signal]) : timeout
  return new Promise((_, reject) => {
    const giveUp = () => {
      const reason: unknown = signal?.reason
      const late = new Error(`did not say within ${timeoutMs} ms that it listens`)
      reject(signal?.aborted !== true ? late : reason instanceof Error ? reason : new Error('aborted'))
    }
    either.addEventListener('abort', giveUp, { once: true })
  })
}

async function terminate(child: Child, exited: Promise<unknown>, graceMs: number): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await exited
  clearTimeout(timer)
}

/** The URL of the first line that says so. Further lines are read and let go, or the pipe would fill up. */
function listeningUrl(stdout: Readable): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: stdout }).on('line', (line) => {
      const url = urlOfLine(line)
      if (url !== undefined) resolve(url)
    })
  })
}

function urlOfLine(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const { event, url } = JSON.parse(line) as Record<string, unknown>
    return event === 'listening' && typeof url === 'string' ? url : undefined
  } catch {
    return undefined
  }
}
