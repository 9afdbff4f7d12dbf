import { Command, CommanderError, Option } from 'commander'
import { ANSWER_SETTINGS, RUNNING_SETTINGS, START_SETTINGS, TABLE, type Setting } from './settings.ts'
import type { WrittenConfig } from './config.ts'

/** Structured settings: as a flag or a variable they are written as JSON. */
const JSON_SETTINGS = {
  models: ['<json>', 'settings of answers for a model alone: {"gpt-4o":{"latency":"2s"}}'],
  keys: ['<json>', 'the same for an API key; it wins over a model'],
  strict: ['<json>', 'what requests must be like: {"requests":[{"path":...,"body":{...}}],"keyShares":{...}}'],
  scenario: ['<json>', 'changes on a timetable: [{"at":"10s","set":{"latency":"3s"}},...]'],
} as const
const SCENARIO_EVERY = ['<duration>', 'the scenario begins again so often (default: never)'] as const

/** Lists are written once for each member: `--fail-key a=401 --fail-key b=429`. */
const LIST_FLAGS: Partial<Record<string, string>> = { failKeys: 'fail-key', requireKeys: 'require-key' }

/** The flag of a setting. @example flagOf('responseSize') // '--response-size' */
export function flagOf(name: string): string {
  return `--${LIST_FLAGS[name] ?? kebab(name)}`
}

/** The environment variable of a setting. @example variableOf('responseSize') // 'MOCK_RESPONSE_SIZE' */
export function variableOf(name: string): string {
  return `MOCK_${kebab(name).replaceAll('-', '_').toUpperCase()}`
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

const EXAMPLES = `
Every flag is also a member of the file (--response-size: "responseSize"; JSON) and an environment variable
(MOCK_RESPONSE_SIZE; lists with commas). A flag wins over the variable, that over the file. GET and POST /admin/config
show and change it while the mock runs.

Durations: 1500, 1500ms or 1.5s (a bare number is ms). Sizes: 10320, 1.37KB (1000 bytes) or 1KiB (1024).
Shares: 0.01 or 1%. Delays, sizes and counts may be drawn: uniform:1s:2s, normal:1.5s:200ms (mean, sd),
lognormal:1.5s:0.4 (median, sigma), gamma:1.5s:300ms (mean, sd), percentiles:1s:2s:2.5s:5s (p50:p90:p95:p99),
trace:FILE (one value a line, in turn).
Factors over time: step:60s:2 (from then on), ramp:0:60s:1:3 (from, to, factors), spike:30s:2s:5 (every, for, factor);
several with commas.

A request with the header x-mock-fault: error=503 | error=429;retry-after=2 | reset | hang | cut | truncate | garble |
close | stall=2s | slow-headers=2s gets that fault, whatever the rates say.

Examples:
  bench mock --latency 1.5s                           the delay of the published benchmarks
  bench mock --latency 1500 --response-size 10.32KB
  bench mock --latency 800ms --jitter 200ms --seed 7
  bench mock --latency percentiles:800ms:1.5s:2s:4s --servers 200
  bench mock --tokens 100 --token-interval 50ms       streams of 20 chunks a second
  bench mock --error-rate 1% --error-status 429 --reset-rate 1% --hang-rate 1%
  bench mock --fail-key sk-dead=401                   requests with this key fail, others do not
  bench mock --config mock.json --port 0              any free port

Once it listens, one line of JSON on stdout says where: {"event":"listening","url":"http://127.0.0.1:8001"}
SIGTERM or Ctrl-C: answers what waits, drops what hangs, then exits; a second one exits at once.
`

const GROUPS = [
  ['Answers:', ANSWER_SETTINGS],
  ['Callers:', RUNNING_SETTINGS],
  ['Program:', START_SETTINGS],
] as const

function mockCommand(): Command {
  const command = new Command('bench mock')
    .description(
      'An LLM provider whose answers have a known delay and an exact size, in the dialects of OpenAI, Azure, Anthropic, Gemini and Bedrock.',
    )
    .exitOverride()
    // Unknown flags become problems in the one list that is reported, instead of commander's own first-error exit.
    .allowUnknownOption()
    .allowExcessArguments()
  for (const [group, table] of GROUPS) {
    for (const [name, { value, help, default: fallback, isList }] of Object.entries<Setting<unknown>>(table)) {
      const shown = fallback === undefined || help.includes('(default') ? '' : ` (default: ${defaultText(fallback)})`
      const option = new Option(`${flagOf(name)} ${value}`, help + shown).helpGroup(group)
      command.addOption(isList ? option.argParser(collect) : option)
    }
  }
  for (const [name, [value, help]] of Object.entries({ ...JSON_SETTINGS, scenarioEvery: SCENARIO_EVERY })) {
    command.addOption(new Option(`${flagOf(name)} ${value}`, help).helpGroup('Structured:'))
  }
  return command
    .addOption(new Option('--config <file>', 'file with all of this, JSON').helpGroup('Program:'))
    .addHelpText('after', EXAMPLES)
}

function defaultText(fallback: unknown): string {
  return fallback === '' ? 'none' : String(fallback)
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

/** What a command line or an environment says, not yet read. */
export interface Said {
  written: WrittenConfig
  /** Path of the file; undefined for none. */
  configFile: string | undefined
  problems: string[]
}

/** What the flags say, and what is wrong with the command line as such; or its help. */
export function readFlags(argv: readonly string[]): Said | { help: string } {
  const command = mockCommand()
  const help: string[] = []
  command.configureOutput({ writeOut: (text) => help.push(text), writeErr: () => undefined })
  try {
    command.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code === 'commander.helpDisplayed') return { help: help.join('') }
    if (error.code !== 'commander.optionMissingArgument') throw error
    // Only the last word can lack its value: read the rest without it, so that its problems are told as well.
    const rest = readFlags(argv.slice(0, -1))
    if ('help' in rest) return rest
    return { ...rest, problems: [...rest.problems, `${argv.at(-1) ?? ''}: needs a value`] }
  }
  const known = command.options.map(({ long }) => long).join(' ')
  const problems = command.args
    // A word after an unknown flag is most likely that flag's value: one problem, not two.
    .filter((word, at) => word.startsWith('-') || !command.args[at - 1]?.startsWith('-'))
    .map((word) => `${word}: unknown; the flags are ${known}`)
  const textOf = (flag: string): unknown =>
    command.getOptionValue(command.options.find(({ long }) => long === flag)?.attributeName() ?? '')
  const configFile = textOf('--config')
  return {
    ...writtenFrom((name) => textOf(flagOf(name)), flagOf, problems),
    configFile: typeof configFile === 'string' ? configFile : undefined,
  }
}

/** What the environment says. */
export function readVariables(env: Readonly<Partial<Record<string, string>>>): Said {
  const valueOf = (name: string) => {
    const text = env[variableOf(name)]
    return text !== undefined && TABLE[name]?.isList ? text.split(',').filter((member) => member !== '') : text
  }
  return { ...writtenFrom(valueOf, variableOf, []), configFile: env.MOCK_CONFIG }
}

function writtenFrom(
  valueOf: (name: string) => unknown,
  nameOf: (name: string) => string,
  problems: string[],
): { written: WrittenConfig; problems: string[] } {
  const written: Record<string, unknown> = {}
  for (const name of [...Object.keys(TABLE), 'scenarioEvery']) {
    const value = valueOf(name)
    if (value !== undefined) written[name] = value
  }
  for (const name of Object.keys(JSON_SETTINGS)) {
    const text = valueOf(name)
    if (typeof text !== 'string') continue
    try {
      written[name] = JSON.parse(text)
    } catch (error) {
      problems.push(`${nameOf(name)}: is not JSON: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return { written, problems }
}
