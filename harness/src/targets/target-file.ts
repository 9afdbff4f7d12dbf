import { dirname, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { parseDurationMs } from '../quantities.ts'
import { shellWords } from '../report/shell-command.ts'
import { askVersion, findOnPath, SERVER_PATH } from './installed.ts'
import { fillIn, type PlaceholderValues } from './placeholders.ts'
import { startGateway } from './start-gateway.ts'
import { DEFAULT_READY_TIMEOUT, readTargetFile, type TargetFile } from './target-file-format.ts'
import type { Availability, RunningTarget, Target, TargetContext } from './target.ts'

/** The first thing in a text that looks like a version. */
const ANY_VERSION = '\\d+\\.\\d+\\S*'

/**
 * The target that a JSON file describes (target-file-format.ts).
 *
 * @throws {UsageError} with every problem of the file.
 */
export function targetFromFile(path: string): Target {
  const read = readTargetFile(path)
  if ('problems' in read) throw new UsageError(read.problems.map((problem) => `${path}: ${problem}`))
  const { file } = read
  const home = dirname(resolve(path))
  return {
    name: file.name,
    title: file.title ?? `as described in ${path}`,
    needsMock: true,
    ...(file.model !== undefined && { model: file.model }),
    settings: file.settings ?? [],
    install: (file.install ?? []).map((command) => fromHere(command, home)),
    ...(file.selfReports && { selfReports: file.selfReports }),
    find: () => findFile(file, home),
    start: (context) => startFile(file, home, context),
  }
}

function fromHere(argv: readonly string[], home: string): string[] {
  return argv.map((word) => (word.startsWith('./') ? resolve(home, word) : word))
}

function findFile({ install = [], version, start }: TargetFile, home: string): Promise<Availability> {
  const how = install.length > 0 ? install.map(shellWords).join(' && ') : 'its file does not say how'
  const [command = ''] = fromHere(start, home)
  if (version === undefined) return findOnPath(command, how)
  const pattern = new RegExp(version.pattern ?? ANY_VERSION)
  return askVersion({ command: fromHere(version.command, home), pattern, install: how })
}

async function startFile(file: TargetFile, home: string, context: TargetContext): Promise<RunningTarget> {
  const { name, ready, readyTimeout = DEFAULT_READY_TIMEOUT, stopSignal, headers } = file
  const found = await findFile(file, home)
  const { config, mockUrl, connections } = context
  const valuesAt = (folder: string, port: number): PlaceholderValues => {
    const { timeoutMs, model } = config
    return { mockUrl, connections, timeoutMs, model, folder, port }
  }
  const running = await startGateway(
    {
      name,
      ...(found.installed && found.version !== undefined && { version: found.version }),
      files: (folder, port) => fillInAll(file.files, valuesAt(folder, port)),
      command: (folder, port) => {
        const values = valuesAt(folder, port)
        const [command = '', ...args] = fromHere(file.start, home).map((word) => fillIn(word, values))
        return { command, args, env: { PATH: SERVER_PATH, ...fillInAll(file.env, values) } }
      },
      ready: {
        path: ready.path,
        ...(ready.status && { accept: (status: number) => ready.status?.includes(status) === true }),
      },
      readyTimeoutMs: parseDurationMs(readyTimeout, 's') ?? 0,
      ...(stopSignal && { stopSignal }),
    },
    context.signal,
  )
  return {
    ...running,
    ...(headers && { headers: fillInAll(headers, valuesAt('', Number(new URL(running.url).port))) }),
    url: running.url + (file.path ?? ''),
  }
}

function fillInAll(texts: Readonly<Record<string, string>> = {}, values: PlaceholderValues): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fillIn(text, values)]))
}
