import { execa } from 'execa'
import { access, constants } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Availability } from './target.ts'

const ANSWER_TIMEOUT_MS = 20_000

/** Debian has servers in folders that are on the path of root alone. */
export const SERVER_PATH = [process.env['PATH'], '/usr/local/sbin', '/usr/sbin', '/sbin'].join(':')

export interface VersionQuery {
  /** argv that prints the version, on stdout or stderr. */
  command: readonly string[]
  /** Its first group, or else all that it matches, is the version. */
  pattern: RegExp
  /** What to do when it is not there, as a command or a sentence. */
  install: string
}

/** Whether a program is there, and of which version, by asking it. */
export async function askVersion({ command, pattern, install }: VersionQuery): Promise<Availability> {
  const [file = '', ...args] = command
  const result = await execa(file, args, {
    env: { PATH: SERVER_PATH },
    all: true,
    reject: false,
    stdin: 'ignore',
    timeout: ANSWER_TIMEOUT_MS,
  })
  if (result.exitCode !== 0) {
    const why = result.code === 'ENOENT' ? 'is not on the path' : `failed: ${result.all || result.shortMessage}`
    return { installed: false, reason: `"${command.join(' ')}" ${why}`, install }
  }
  const match = pattern.exec(result.all)
  const version = match?.[1] ?? match?.[0]
  return { installed: true, ...(version !== undefined && { version }) }
}

/** The version of a target that is about to start; undefined when it is not there, which the start then says. */
export async function versionOf(query: VersionQuery): Promise<string | undefined> {
  const found = await askVersion(query)
  return found.installed ? found.version : undefined
}

/** Whether a program is there that does not tell its version: a name on the path, or a path. */
export async function findOnPath(command: string, install: string): Promise<Availability> {
  const places = command.includes('/') ? [command] : SERVER_PATH.split(':').map((folder) => resolve(folder, command))
  for (const place of places) {
    if (await isExecutable(place)) return { installed: true }
  }
  return { installed: false, reason: `"${command}" is not on the path`, install }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
