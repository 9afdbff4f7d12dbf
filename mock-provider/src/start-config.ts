import { readFileSync } from 'node:fs'
import { MockUsageError, readConfig, type WrittenConfig } from './config.ts'
import { flagOf, readFlags, readVariables, variableOf } from './flags.ts'
import { QUANTITIES } from './settings.ts'
import { resolveTraceFile } from './trace-file.ts'
import { isFields } from './wire/request-fields.ts'

/**
 * The config that flags, environment and file ask for together, traces included; or the help text when a flag asks for
 * that. A flag wins over a variable, and that over the file.
 * @param argv without node and script
 * @throws {MockUsageError} with every problem at once
 */
export function readStartConfig(
  argv: readonly string[],
  env: Readonly<Partial<Record<string, string>>>,
): { written: WrittenConfig } | { help: string } {
  const flags = readFlags(argv)
  if ('help' in flags) return flags
  const variables = readVariables(env)
  const problems = [...flags.problems, ...variables.problems]
  const path = flags.configFile ?? variables.configFile
  const file = path === undefined ? {} : readFile(path, problems)
  const sources: [WrittenConfig, (name: string) => string][] = [
    [flags.written, flagOf],
    [variables.written, variableOf],
    [file, (name) => `${path ?? ''}: ${name}`],
  ]
  // How a problem calls a setting: as the source whose value counts does.
  const nameOf = (name: string) => (sources.find(([written]) => name in written)?.[1] ?? flagOf)(name)
  const written = withTraces({ ...file, ...variables.written, ...flags.written }, nameOf, problems)
  problems.push(...readConfig(written, nameOf).problems)
  if (problems.length > 0) throw new MockUsageError(problems)
  return { written }
}

function readFile(path: string, problems: string[]): WrittenConfig {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (isFields(content)) return content
    problems.push(`${path}: must hold a JSON object of settings`)
  } catch (error) {
    problems.push(`${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
  return {}
}

/** With the numbers of trace files in place of their names: for the mock itself, for models and for keys. */
function withTraces(written: WrittenConfig, nameOf: (name: string) => string, problems: string[]): WrittenConfig {
  const resolved = (settings: Record<string, unknown>, where: (name: string) => string) =>
    Object.fromEntries(
      Object.entries(settings).map(([name, value]) => {
        const quantity = QUANTITIES[name]
        const trace = quantity ? resolveTraceFile(value, quantity) : { ok: true as const, value }
        if (trace.ok) return [name, trace.value]
        problems.push(`${where(name)}: ${trace.problem}`)
        return [name, undefined]
      }),
    )
  const own: Record<string, unknown> = resolved(written, nameOf)
  for (const kind of ['models', 'keys'] as const) {
    const all = own[kind]
    if (!isFields(all)) continue
    own[kind] = Object.fromEntries(
      Object.entries(all).map(([of, settings]) => [
        of,
        isFields(settings) ? resolved(settings, (name) => `${nameOf(kind)}.${of}.${name}`) : settings,
      ]),
    )
  }
  return own
}
