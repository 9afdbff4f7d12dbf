/**
 * What experiments start and watch: mock and gateway as children that end with this process, wrk, and their CPU. All of
 * them end with this process, Ctrl-C included.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GatewayConfigFile } from '@gatebench/gateway/config'
import { startProgram, type RunningProgram } from '../../harness/src/processes.ts'
import { processTree, readProcess } from '../../harness/src/process-tree.ts'

export type { RunningProgram }

const MOCK = fileURLToPath(import.meta.resolve('@gatebench/mock-provider/main'))
const GATEWAY = fileURLToPath(import.meta.resolve('@gatebench/gateway/main'))
/** Thousands of upstream connections are opened before a gateway listens. */
const READY_TIMEOUT_MS = 60_000

// startProgram and runBench end what they have started when this process exits, and so do the functions below.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.exit(signal === 'SIGINT' ? 130 : 143)
  })
}

const folders: string[] = []
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder under the system's temporary one, removed when this process ends. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`))
  folders.push(folder)
  return folder
}

/** `bench mock` with these flags, on any free port. */
export function startMock(flags: readonly string[]): Promise<RunningProgram> {
  return startProgram({ name: 'mock', script: MOCK, args: ['--port', '0', ...flags] })
}

export interface GatewayOptions {
  config: GatewayConfigFile
  /** @default [] */
  flags?: readonly string[]
  /** Options of node itself. @default [] */
  nodeFlags?: readonly string[]
}

/** The built-in gateway, on any free port. */
export function startGateway({ config, flags = [], nodeFlags = [] }: GatewayOptions): Promise<RunningProgram> {
  const file = join(temporaryFolder('gateway-config'), 'config.json')
  writeFileSync(file, JSON.stringify(config))
  return startProgram({
    name: 'gateway',
    script: GATEWAY,
    args: ['--config', file, '--port', '0', ...flags],
    nodeFlags,
    readyTimeoutMs: READY_TIMEOUT_MS,
  })
}

/** CPU that a process and all it started have used so far, us, in steps of 10 ms; NaN where there is no /proc. */
export function cpuUs(pid: number): number {
  const readings = processTree(pid, new Set()).map(readProcess)
  return readings.reduce((sum, one) => sum + (one ? (one.userMs + one.systemMs) * 1e3 : NaN), 0)
}

export interface WrkLoad {
  /** With its path. */
  url: string
  connections: number
  seconds: number
  /** Of the POST, JSON. */
  body: string
}

/**
 * A closed loop of wrk, one thread.
 * @throws when wrk cannot be run, or not every answer was a success
 */
export async function runWrk({ url, connections, seconds, body }: WrkLoad): Promise<{ perSec: number; count: number }> {
  const lua = join(wrkFolder(), 'post.lua')
  writeFileSync(lua, `wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\nwrk.body = [[${body}]]\n`)
  const args = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '-s', lua, url]
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = (): void => void child.kill('SIGKILL')
  process.on('exit', kill)
  const texts: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => texts.push(text))
  await once(child, 'close').catch((error: unknown) => {
    throw new Error('wrk could not be run; install it (Debian, Ubuntu: apt-get install wrk)', { cause: error })
  })
  process.off('exit', kill)
  const text = texts.join('')
  const match = /(\d+) requests in [^]*Requests\/sec:\s+([\d.]+)/.exec(text)
  if (!match || /Non-2xx|Socket errors/.test(text)) throw new Error(`${url}: not every answer was a success\n${text}`)
  return { perSec: Number(match[2]), count: Number(match[1]) }
}

let folderOfWrk: string | undefined
function wrkFolder(): string {
  return (folderOfWrk ??= temporaryFolder('wrk'))
}
