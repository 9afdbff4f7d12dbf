import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCommand, type CommandOptions } from '../processes.ts'
import { freePort } from './ports.ts'
import type { RunningTarget } from './target.ts'

/** Of the folder under the system's temporary one that holds a running gateway's configuration. */
export const GATEWAY_FOLDER_PREFIX = `gatebench-target-${process.pid}-`

/** Proxies of the machine's owner stay out of the way from the gateway to the mock. */
const NO_PROXY = { NO_PROXY: '*', no_proxy: '*' }

type FileTexts = Readonly<Record<string, string>>

export interface GatewayStart extends Pick<CommandOptions, 'ready' | 'readyTimeoutMs' | 'stopSignal' | 'stopGraceMs'> {
  name: string
  version?: string
  /** Headers that requests to it must carry. */
  headers?: Readonly<Record<string, string>>
  /** Files of its folder, names and texts, or how they are made. @default {} */
  files?: FileTexts | ((folder: string, port: number) => FileTexts)
  /** How it is started, in a folder of its own that holds `files`, to listen on a port of 127.0.0.1. */
  command: (folder: string, port: number) => Pick<CommandOptions, 'command' | 'args' | 'env'>
}

/**
 * Starts a gateway that is not ours, with a folder of its own that is removed when it has stopped.
 *
 * @throws {TargetError} when it cannot be started, or is not ready in time.
 */
export async function startGateway(start: GatewayStart, signal?: AbortSignal): Promise<RunningTarget> {
  const { name, version, headers, files = {}, command, ready, readyTimeoutMs, stopSignal, stopGraceMs } = start
  const folder = await mkdtemp(join(tmpdir(), GATEWAY_FOLDER_PREFIX))
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  try {
    const port = await freePort()
    const texts = typeof files === 'function' ? files(folder, port) : files
    for (const [file, text] of Object.entries(texts)) await writeFile(join(folder, file), text)
    const { env, ...run } = command(folder, port)
    const program = await startCommand({
      ...{ name, ...run, ready, readyTimeoutMs },
      cwd: folder,
      env: { ...NO_PROXY, ...env },
      url: `http://127.0.0.1:${port}`,
      ...(stopSignal && { stopSignal }),
      ...(stopGraceMs !== undefined && { stopGraceMs }),
      ...(signal && { signal }),
    })
    return {
      name,
      url: program.url,
      ...(version !== undefined && { version }),
      managed: true,
      pid: program.pid,
      startedAtMs: program.startedAtMs,
      ...(program.guardPid !== undefined && { guardPid: program.guardPid }),
      ...(headers && { headers }),
      exited: program.exited,
      stderrTail: () => program.stderrTail(),
      stop: async () => {
        await program.stop()
        await removeFolder()
      },
    }
  } catch (error) {
    await removeFolder()
    throw error
  }
}
