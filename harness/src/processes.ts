import { createInterface } from 'node:readline'
import type { Duplex, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import {
  keepLastLines,
  spawnNode,
  whenReady,
  type ProgramExit,
  type RunningProgram,
  type StartOptions,
} from './child.ts'
import type { GuardMessage, StopSignal } from './guard-messages.ts'
import { answers, type ReadyWhen } from './http-ready.ts'

export { killAllPrograms, type ProgramExit, type RunningProgram } from './child.ts'

/** Options of node that end a child when this process is gone, however that came about. It needs a pipe as fd 3. */
export const EXIT_WITH_PARENT: readonly string[] = ['--import', new URL('./exit-with-parent.ts', import.meta.url).href]

const GUARD = fileURLToPath(new URL('./guard.ts', import.meta.url))

export interface ProgramOptions extends StartOptions {
  /** Path of its entry file. */
  script: string
  args: readonly string[]
  /** Options of node itself, before the script. @default [] */
  nodeFlags?: readonly string[]
  /** Give up when it has not said within this many ms that it listens. @default 30_000 */
  readyTimeoutMs?: number
}

/**
 * Starts one of our programs under the node that runs us, and waits until it has printed
 * `{"event":"listening","url":"http://..."}` as a line on stdout. stop() sends SIGTERM.
 *
 * @throws {TargetError} when it cannot be started, ends, or says nothing in time; with its last words.
 */
export async function startProgram(options: ProgramOptions): Promise<RunningProgram> {
  const { script, args, nodeFlags = [], readyTimeoutMs = 30_000 } = options
  options.signal?.throwIfAborted()
  const startedAtMs = Date.now()
  const child = spawnNode([...EXIT_WITH_PARENT, ...nodeFlags, script, ...args])
  const lastLines: string[] = []
  keepLastLines(child.stderr, lastLines)
  const ready = listeningUrl(child.stdout).then((url) => {
    if (child.pid === undefined) throw new Error('has no process id')
    return { url, pid: child.pid, startedAtMs }
  })
  const exited = child.then(({ exitCode, signal }) => ({ code: exitCode, signal }))
  const late = `did not say within ${readyTimeoutMs} ms that it listens`
  return whenReady({ process: child, kill: () => child.kill('SIGKILL'), exited, lastLines }, ready, {
    ...options,
    ...{ readyTimeoutMs, late, stopSignal: 'SIGTERM' },
  })
}

export interface CommandOptions extends StartOptions {
  /** A program of PATH, or a path. */
  command: string
  args: readonly string[]
  /** Added to our own environment. */
  env?: Readonly<Record<string, string>>
  /** Folder that it runs in. @default ours */
  cwd?: string
  /** Base URL that it will listen on, without a trailing slash. */
  url: string
  /** It is ready when a GET of this path is answered, by default with a status below 500. */
  ready: ReadyWhen
  readyTimeoutMs: number
  /** What asks it to end. @default 'SIGTERM' */
  stopSignal?: StopSignal
}

/**
 * Starts a program that is not ours, and waits until it answers. It runs as the head of a process group of its own under
 * a guard process (guard.ts), which kills that group when the program ends, when stop() runs out of grace and when this
 * process is gone. `pid` is the program's, not the guard's.
 *
 * @throws {TargetError} when it cannot be started, ends, or does not answer in time; with its last words.
 */
export async function startCommand(options: CommandOptions): Promise<RunningProgram> {
  const { command, args, url, cwd, env, readyTimeoutMs, stopSignal = 'SIGTERM' } = options
  options.signal?.throwIfAborted()
  const child = spawnNode([GUARD, command, ...args], { ...(cwd !== undefined && { cwd }), ...(env && { env }) })
  const lastLines: string[] = []
  keepLastLines(child.stdout, lastLines)
  keepLastLines(child.stderr, lastLines)
  // Of a descriptor beyond the usual three node makes a stream in both directions.
  const pipe = child.stdio[3] as Readable & Pick<Duplex, 'end'>
  const { started, ended } = hearGuard(pipe, command)
  const exited = child.then(({ exitCode, signal }) => ended() ?? { code: exitCode, signal })
  // A guard that was itself killed has not ended what it kept.
  void Promise.all([started, child]).then(
    ([{ pid }]) => {
      if (ended() === undefined) killGroup(pid)
    },
    () => undefined,
  )
  const settled = new AbortController()
  const ready = started.then(async ({ pid, atMs }) => {
    await answers(url, options.ready, settled.signal)
    return { url, pid, startedAtMs: atMs, ...(child.pid !== undefined && { guardPid: child.pid }) }
  })
  return whenReady({ process: child, kill: () => pipe.end(), exited, lastLines }, ready, {
    ...options,
    ...{
      readyTimeoutMs,
      late: `did not answer at ${url}${options.ready.path} within ${readyTimeoutMs} ms`,
      stopSignal,
    },
  }).finally(() => {
    settled.abort()
  })
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing of it is left.
  }
}

/** `started` rejects when the command could not be started; `ended` is how it ended, once it has. */
function hearGuard(pipe: Readable, command: string) {
  let exit: ProgramExit | undefined
  const started = new Promise<Extract<GuardMessage, { event: 'started' }>>((resolve, reject) => {
    createInterface({ input: pipe }).on('line', (line) => {
      const message = JSON.parse(line) as GuardMessage
      if (message.event === 'started') resolve(message)
      else if (message.event === 'ended')
        exit = { code: message.code ?? undefined, signal: message.signal ?? undefined }
      else reject(new Error(`"${command}" could not be started (${message.code})`))
    })
  })
  return { started, ended: () => exit }
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
