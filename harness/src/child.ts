import { execa } from 'execa'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { TargetError } from './errors.ts'

/** A program asked to stop drains what it has in flight; after this long it is killed. */
const STOP_GRACE_MS = 10_000
const LINES_KEPT = 20
/** From killing a program to no longer waiting for what it may still print. */
const PIPES_GRACE_MS = 2_000

export interface ProgramExit {
  code: number | undefined
  signal: string | undefined
}

/** A child program that listens on `url`. */
export interface RunningProgram {
  readonly name: string
  readonly pid: number
  readonly url: string
  /** When its process was started, ms since the epoch. */
  readonly startedAtMs: number
  /** Of the process that keeps it, where it is not ours. */
  readonly guardPid?: number
  /** Settles when the program has ended, whatever ended it; never rejects. */
  readonly exited: Promise<ProgramExit>
  /** The last lines that it wrote to stderr; those on stdout as well where the program is not ours. */
  stderrTail(): string
  /** Asks it by a signal, and kills it when it has not ended after the grace time. May be called again. */
  stop(): Promise<void>
}

/** What `startProgram` and `startCommand` have in common. */
export interface StartOptions {
  /** What messages call it. */
  name: string
  /** Grace between the stop signal and SIGKILL in stop(), ms. @default 10_000 */
  stopGraceMs?: number
  /** Aborted before it is ready: it is killed and the start rejects with the signal's reason. */
  signal?: AbortSignal
}

export type NodeProcess = ReturnType<typeof spawnNode>

/** Runs the node that runs us, with a pipe as file descriptor 3. */
export function spawnNode(
  args: readonly string[],
  options: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
) {
  return execa(process.execPath, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    buffer: false,
    reject: false,
    // A process group of its own: a terminal's Ctrl-C must end the load, not the programs under it.
    detached: true,
    cleanup: false,
  })
}

/** A process that was started and need not be ready yet. */
export interface Child {
  process: NodeProcess
  /** Ends it at once, with all that it started. */
  kill: () => void
  exited: Promise<ProgramExit>
  /** The last lines that it wrote. */
  lastLines: string[]
}

const living = new Set<() => void>()

/** Ends every program that is still running, at once and without draining. For a second Ctrl-C and for exit. */
export function killAllPrograms(): void {
  for (const kill of living) kill()
}

/** Keeps the last lines of a stream; the rest is read and let go, or its pipe would fill up. */
export function keepLastLines(stream: Readable, kept: string[]): void {
  createInterface({ input: stream }).on('line', (line) => {
    kept.push(line)
    if (kept.length > LINES_KEPT) kept.shift()
  })
}

/**
 * Waits for a child to be ready, and lists it among those that end with us.
 *
 * @param ready Settles when it is, or when it never will be.
 * @param options `late`: what to say when it is not ready in time.
 * @throws {TargetError} when it ends, or is not ready in time; with its last words. It is dead then.
 */
export async function whenReady(
  child: Child,
  ready: Promise<Pick<RunningProgram, 'pid' | 'url' | 'startedAtMs' | 'guardPid'>>,
  options: StartOptions & { readyTimeoutMs: number; late: string; stopSignal: NodeJS.Signals },
): Promise<RunningProgram> {
  const { name, signal, readyTimeoutMs } = options
  const { exited, lastLines } = child
  living.add(child.kill)
  void exited.then(() => living.delete(child.kill))
  if (!process.listeners('exit').includes(killAllPrograms)) process.on('exit', killAllPrograms)

  const died = exited.then(async (exit) => {
    throw new Error(`${howItEnded(exit, await child.process)} before it was ready`)
  })
  try {
    const found = await Promise.race([ready, died, aborted(readyTimeoutMs, new Error(options.late), signal)])
    let stopping: Promise<void> | undefined
    const stop = () => (stopping ??= terminate(child, options.stopSignal, options.stopGraceMs ?? STOP_GRACE_MS))
    return { name, ...found, exited, stderrTail: () => lastLines.join('\n'), stop }
  } catch (error) {
    child.kill()
    await exited
    if (signal?.aborted === true) throw error
    const lastWords = lastLines.length > 0 ? `; its last words:\n  ${lastLines.join('\n  ')}` : ''
    throw new TargetError(`${name}: ${error instanceof Error ? error.message : String(error)}${lastWords}`)
  }
}

function howItEnded({ code, signal }: ProgramExit, { code: why = 'unknown' }: { code?: string | undefined }): string {
  if (code !== undefined) return `ended with code ${code}`
  if (signal !== undefined) return `was ended by ${signal}`
  return `could not be started (${why})`
}

/** Rejects after a time, or with the signal's reason. */
function aborted(timeoutMs: number, late: Error, signal?: AbortSignal): Promise<never> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const either = signal ? AbortSignal.any([timeout, signal]) : timeout
  return new Promise((_, reject) => {
    const giveUp = () => {
      const reason: unknown = signal?.reason
      reject(signal?.aborted !== true ? late : reason instanceof Error ? reason : new Error('aborted'))
    }
    either.addEventListener('abort', giveUp, { once: true })
  })
}

async function terminate(child: Child, stopSignal: NodeJS.Signals, graceMs: number): Promise<void> {
  child.process.kill(stopSignal)
  const kill = setTimeout(child.kill, graceMs)
  // Something that it started may have left its group, and hold its pipes open for ever.
  const letGo = setTimeout(() => {
    child.process.stdout.destroy()
    child.process.stderr.destroy()
  }, graceMs + PIPES_GRACE_MS)
  await child.exited
  clearTimeout(kill)
  clearTimeout(letGo)
}
