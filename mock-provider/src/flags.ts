import { Command, CommanderError } from 'commander'

/** Flags that take one value, in the order in which they are reported. */
const FLAG_NAMES = [
  'latency',
  'jitter',
  'response-size',
  'first-token',
  'token-interval',
  'tokens',
  'error-rate',
  'error-status',
  'reset-rate',
  'hang-rate',
  'cut-rate',
  'port',
  'host',
  'seed',
] as const
/** Flags that may be given several times. */
const LIST_FLAG_NAMES = ['fail-key', 'require-key'] as const

export type FlagName = (typeof FLAG_NAMES)[number]
export type ListFlagName = (typeof LIST_FLAG_NAMES)[number]
/** What was written after each flag. */
export type FlagTexts = Partial<Record<FlagName, string>> & Partial<Record<ListFlagName, readonly string[]>>

const EXAMPLES = `
Durations: 1500, 1500ms or 1.5s (a bare number is ms). Sizes: 10320, 1.37KB (1000 bytes) or 1KiB (1024).
Shares: 0.01 or 1%.

A request with the header x-mock-fault: error=503 | error=429;retry-after=2 | reset | hang | cut gets that fault,
whatever the rates say.

Examples:
  bench mock --latency 1.5s                           the delay of the published benchmarks
  bench mock --latency 1500 --response-size 10.32KB
  bench mock --latency 800ms --jitter 200ms --seed 7
  bench mock --tokens 100 --token-interval 50ms       streams of 20 chunks a second
  bench mock --error-rate 1% --error-status 429 --reset-rate 1% --hang-rate 1%
  bench mock --fail-key sk-dead=401                   requests with this key fail, others do not
  bench mock --port 0                                 any free port

Once it listens, one line of JSON on stdout says where: {"event":"listening","url":"http://127.0.0.1:8001"}
SIGTERM or Ctrl-C: answers what waits, drops what hangs, then exits; a second one exits at once.
`

function mockCommand(): Command {
  return (
    new Command('bench mock')
      .description(
        'An OpenAI-, Azure- and Anthropic-shaped provider whose answers have a known delay and an exact size.',
      )
      .option('--latency <duration>', 'delay of every answer (default: 0)')
      .option('--jitter <duration>', 'uniform spread: a delay is latency +- jitter (default: 0)')
      .option('--response-size <size>', 'whole body of an answer, exact to the byte (default: 1370)')
      .option(
        '--first-token <duration>',
        'delay of the first chunk of a stream (default: as --latency and --jitter say)',
      )
      .option('--token-interval <duration>', 'time from chunk to chunk of a stream (default: 0)')
      .option('--tokens <n>', 'content chunks of a stream (default: 20)')
      .option('--error-rate <share>', 'share of requests answered with an error (default: 0)')
      .option('--error-status <status>', 'status of those errors, 429 with Retry-After: 1 (default: 500)')
      .option('--reset-rate <share>', 'share of requests whose connection is reset (default: 0)')
      .option('--hang-rate <share>', 'share of requests that are never answered (default: 0)')
      .option('--cut-rate <share>', 'share of answers that are cut off in the middle (default: 0)')
      .option('--fail-key <key=status>', 'requests with this API key get this status; repeatable', collect)
      .option('--require-key <key>', 'refuse other API keys with 401; repeatable (default: any key goes)', collect)
      .option('--port <n>', 'port to listen on, 0 for any free one (default: 8001)')
      .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
      .option('--seed <n>', 'seed of jitter and faults (default: 1)')
      .addHelpText('after', EXAMPLES)
      .exitOverride()
      // Unknown flags become problems in the one list that is reported, instead of commander's own first-error exit.
      .allowUnknownOption()
      .allowExcessArguments()
      .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
  )
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

/** The text of each flag that was given, and what is wrong with the command line as such; or its help. */
export function readFlags(argv: readonly string[]): { texts: FlagTexts; problems: string[] } | { help: string } {
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
    return { texts: rest.texts, problems: [...rest.problems, `${argv.at(-1) ?? ''}: needs a value`] }
  }
  const known = [...FLAG_NAMES, ...LIST_FLAG_NAMES].map((name) => `--${name}`).join(' ')
  const problems = command.args
    // A word after an unknown flag is most likely that flag's value: one problem, not two.
    .filter((word, at) => word.startsWith('-') || !command.args[at - 1]?.startsWith('-'))
    .map((word) => `${word}: unknown; the flags are ${known}`)
  const texts: FlagTexts = {}
  for (const option of command.options) {
    const text: unknown = command.getOptionValue(option.attributeName())
    if (text !== undefined) Object.assign(texts, { [option.name()]: text })
  }
  return { texts, problems }
}
