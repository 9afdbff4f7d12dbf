import { execa, type ExecaError } from 'execa'
import { createInterface } from 'node:readline'
import { TargetError } from './errors.ts'

/** Loaded before a child's own code: ends it when this process is gone, however that came about. */
const PARENT_WATCH = new URL('./exit-with-parent.ts', import.meta.url).href

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
    stdin: 'pipe',
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
  const child = spawnNode(['--import', PARENT_WATCH, ...nodeFlags, script, ...args])
  // The pipe breaks when the child is killed; that is expected, and its end is seen through `exited`.
  child.stdin.on('error', () => undefined)
  living.add(child)
  if (!process.listeners('exit').includes(killAllPrograms)) process.on('exit', killAllPrograms)

  const stderr: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    stderr.push(line)
    if (stderr.length > STDERR_LINES_KEPT) stderr.shift()
  })
  const exited = child.then((result) => {
    living.delete(child)
    return { code: result.exitCode, signal: result.signal, cause: result instanceof Error ? result : undefined }
  })

  const stopGraceMs = options.stopGraceMs ?? STOP_GRACE_MS
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => (stopping ??= terminate(child, exited, stopGraceMs))

  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  try {
    const url = await new Promise<string>((resolve, reject) => {
      const lastWords = () => (stderr.length > 0 ? `; its last words:\n  ${stderr.join('\n  ')}` : '')
      createInterface({ input: child.stdout }).on('line', (line) => {
        const listening = listeningUrl(line)
        if (listening !== undefined) resolve(listening)
      })
      void exited.then(({ code, signal: by, cause }) => {
        const how = startFailure(cause) ?? (by === undefined ? `ended with code ${code ?? '?'}` : `was ended by ${by}`)
        reject(new TargetError(`${name}: ${how} before it was ready${lastWords()}`, { cause }))
      })
      timer = setTimeout(() => {
        reject(new TargetError(`${name}: did not say within ${readyTimeoutMs} ms that it listens${lastWords()}`))
      }, readyTimeoutMs)
      onAbort = () => {
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
      }
      signal?.addEventListener('abort', onAbort, { once: true })
    })
    if (child.pid === undefined) throw new TargetError(`${name}: has no process id`)
    return { name, pid: child.pid, url, exited, stderrTail: () => stderr.join('\n'), stop }
  } catch (error) {
    child.kill('SIGKILL')
    await exited
    throw error
  } finally {
    clearTimeout(timer)
    if (onAbort) signal?.removeEventListener('abort', onAbort)
  }
}

async function terminate(child: Child, exited: Promise<unknown>, graceMs: number): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await exited
  clearTimeout(timer)
}

/** Set when node itself could not be started at all; an exit code or a signal says nothing more than itself. */
function startFailure(cause: Error | undefined): string | undefined {
  const code = (cause as Partial<ExecaError> | undefined)?.code
  return code === undefined ? undefined : `could not be started (${code})`
}

function listeningUrl(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const message: unknown = JSON.parse(line)
    if (typeof message !== 'object' || message === null) return undefined
    const { event, url } = message as Record<string, unknown>
    return event === 'listening' && typeof url === 'string' ? url : undefined
  } catch {
    return undefined
  }
}
