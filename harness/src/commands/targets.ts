import { execa } from 'execa'
import { TargetError, UsageError } from '../errors.ts'
import { shellWords } from '../report/shell-command.ts'
import { textTable } from '../report/text-table.ts'
import { parseTarget } from '../targets/address.ts'
import { findTarget } from '../targets/find.ts'
import { knownTargets } from '../targets/known.ts'
import type { Availability, Target } from '../targets/target.ts'
import type { CommandIo } from './io.ts'

type Listed = Target & { found: Availability }

/**
 * `bench targets`: installs what it is told to, then lists the known targets and whether they are there.
 *
 * @throws UsageError for a name that is not known or has nothing to install, TargetError when an installation fails.
 */
export async function targetsCommand(
  { install, json }: { install: readonly string[]; json: boolean },
  io: Pick<CommandIo, 'stdout' | 'stderr' | 'signal'>,
): Promise<void> {
  for (const target of await targetsToInstall(install)) await runInstall(target, io)
  const known = await knownTargets()
  const listed = await Promise.all(known.map(async (target) => ({ ...target, found: await target.find() })))
  io.stdout(json ? `${JSON.stringify(listed.map(asJson), null, 2)}\n` : renderTargets(listed))
}

async function targetsToInstall(names: readonly string[]): Promise<Target[]> {
  const problems: string[] = []
  const targets: Target[] = []
  for (const name of names) {
    const parsed = parseTarget(name)
    if ('problem' in parsed) {
      problems.push(`--install: ${parsed.problem}`)
      continue
    }
    const target = await findTarget(parsed.target)
    if (target.install.length > 0) targets.push(target)
    else problems.push(`--install: there is nothing to install for ${name}; leave it out`)
  }
  if (problems.length > 0) throw new UsageError(problems)
  return targets
}

/** Progress goes to stderr, so that stdout is the list alone. */
async function runInstall({ name, install }: Target, { stderr, signal }: Pick<CommandIo, 'stderr' | 'signal'>) {
  for (const command of install) {
    const shown = shellWords(command)
    stderr(`$ ${shown}\n`)
    const [file = '', ...args] = command
    const { failed, shortMessage } = await execa(file, args, {
      stdin: 'ignore',
      stdout: process.stderr,
      stderr: 'inherit',
      cancelSignal: signal,
      reject: false,
    })
    signal.throwIfAborted()
    if (failed) throw new TargetError(`${name}: could not be installed: ${shortMessage}`)
  }
}

function asJson({ name, title, install, settings, found }: Listed) {
  return { name, title, ...found, install, settings }
}

/** One target a line, with what it is, and its version or why it is not there and how it gets there. */
export function renderTargets(listed: readonly Pick<Listed, 'name' | 'title' | 'found'>[]): string {
  const rows = listed.map(({ name, title, found }) => [name, title, stateOf(found)])
  return `${textTable(rows, ['left', 'left', 'left']).join('\n')}\n`
}

function stateOf(found: Availability): string {
  if (found.installed) return found.version ?? 'ready'
  return `not installed: ${found.reason}; install it with: ${found.install}`
}
