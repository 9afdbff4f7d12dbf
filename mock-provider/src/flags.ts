import { Command, CommanderError } from 'commander'

const FLAG_NAMES = ['latency', 'jitter', 'response-size', 'port', 'host', 'seed'] as const
export type FlagTexts = Partial<Record<(typeof FLAG_NAMES)[number], string>>

const EXAMPLES = `
Durations: 1500, 1500ms or 1.5s (a bare number is ms). Sizes: 10320, 1.37KB (1000 bytes) or 1KiB (1024).

Examples:
  bench mock --latency 1.5s                           the delay of the published benchmarks
  bench mock --latency 1500 --response-size 10.32KB
  bench mock --latency 800ms --jitter 200ms --seed 7
  bench mock --port 0                                 any free port

Once it listens, one line of JSON on stdout says where: {"event":"listening","url":"http://127.0.0.1:8001"}
SIGTERM or Ctrl-C: answers what waits, then exits; a second one exits at once.
`

function mockCommand(): Command {
  return (
    new Command('bench mock')
      .description('An OpenAI-shaped provider whose answers have a known delay and an exact size.')
      .option('--latency <duration>', 'delay of every answer (default: 0)')
      .option('--jitter <duration>', 'uniform spread: a delay is latency +- jitter (default: 0)')
      .option('--response-size <size>', 'whole body of an answer, exact to the byte (default: 1370)')
      .option('--port <n>', 'port to listen on, 0 for any free one (default: 8001)')
      .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
      .option('--seed <n>', 'seed of the jitter (default: 1)')
      .addHelpText('after', EXAMPLES)
      .exitOverride()
      // Unknown flags become problems in the one list that is reported, instead of commander's own first-error exit.
      .allowUnknownOption()
      .allowExcessArguments()
      .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
  )
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
  const known = FLAG_NAMES.map((name) => `--${name}`).join(' ')
  const problems = command.args
    // A word after an unknown flag is most likely that flag's value: one problem, not two.
    .filter((word, at) => word.startsWith('-') || !command.args[at - 1]?.startsWith('-'))
    .map((word) => `${word}: unknown; the flags are ${known}`)
  const given = command.opts<Record<string, string>>()
  const texts: FlagTexts = {}
  for (const name of FLAG_NAMES) {
    const text = given[name === 'response-size' ? 'responseSize' : name]
    if (text !== undefined) texts[name] = text
  }
  return { texts, problems }
}
