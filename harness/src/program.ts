import { Command, Option } from 'commander'
import { readFileSync } from 'node:fs'
import { CALIBRATE, COMPARE } from './compare/config.ts'
import { RUN, type FlagSet, type FlagValues, type RunConfig } from './config.ts'
import { METRICS } from './diff/metrics.ts'
import type { Flag } from './flags.ts'

type LoadAction = (flags: FlagValues, words: string[]) => Promise<void>

/** What each subcommand does once its arguments are read. */
export interface Actions {
  run: LoadAction
  compare: LoadAction
  calibrate: LoadAction
  verify: (claims: string[], options: { out?: string; allowLoaded?: boolean; json?: boolean }) => Promise<void>
  report: (runs: string[], options: { published?: boolean; out?: string }) => Promise<void>
  diff: (
    sides: string[],
    options: { max?: string[]; allowInvalid?: boolean; json?: boolean; out?: string },
  ) => Promise<void>
  targets: (options: { install?: string; json?: boolean }) => Promise<void>
  doctor: (options: { json?: boolean }) => Promise<void>
  gateway: (args: string[]) => Promise<void>
  mock: (args: string[]) => Promise<void>
}

const RUN_EXAMPLES = `
Examples:
  bench --rate 5000 --duration 60                        the main job, with the built-in gateway and mock
  bench --profile t3.xlarge --out results                the larger published set-up
  bench --rate 500 --duration 10 --latency 50 --target direct
                                                         no gateway: what the harness itself costs
  bench --target http://10.0.0.2:8080 --header 'authorization: Bearer KEY' --model openai/gpt-4o-mini
                                                         a gateway that runs elsewhere

Exit codes: 0 valid run; 1 a check failed; 2 wrong flags or configuration; 3 the target could not be started or
reached; 130 interrupted (what was measured is still written).
`

const COMPARE_EXAMPLES = `
Examples:
  bench compare --targets direct,builtin,nginx
  bench compare --targets builtin,portkey,litellm --rate 50 --duration 30 --frontier
  bench compare --targets builtin,again=builtin          the same target twice: nothing should be found
  bench compare --targets builtin,./my-gateway.json      a gateway of your own, by a target file

Exit codes: 0 every target has a valid turn and the controls held; 1 a target has none, or a control did not hold;
2 wrong flags, or a machine with other work; 3 nothing could be started; 130 interrupted (what was measured is written).
`

const CALIBRATE_EXAMPLES = `
Examples:
  bench calibrate
  bench calibrate --rate 500 --latency 20ms --rounds 8

Exit codes: 0 every known delay was found; 1 one was not; 2 wrong flags, or a machine with other work; 3 the relays that add
nothing could not be measured; 130 interrupted.
`

const VERIFY_EXAMPLES = `
Examples:
  bench verify                                           the claims that come with bench
  bench verify bifrost-t3.medium
  bench verify my-claim.json --out results

Exit codes: 0 reproduced; 1 not reproduced; 2 wrong files or flags; 3 none of them can be tested here; 130 interrupted.
`

/** argv to action: no side effect but calling one of `actions`, and what commander itself prints. */
export function createProgram(actions: Actions): Command {
  const program = new Command('bench')
    .description('What does an LLM gateway cost? Latency, CPU, memory and failures under an open-loop load.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    // What stands after a subcommand is the subcommand's own, so that `bench mock --help` asks the mock.
    .enablePositionalOptions()
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        write(text.replace(/^error:/, 'bench:'))
      },
    })

  const run = loadCommand(program, RUN, actions.run, RUN_EXAMPLES).description(
    'start mock and gateway, warm up, measure, print, and write the run folder (also without "run")',
  )
  loadCommand(program, COMPARE, actions.compare, COMPARE_EXAMPLES).description(
    'several targets under the same load, in rounds: what each costs, and with what certainty',
  )
  loadCommand(program, CALIBRATE, actions.calibrate, CALIBRATE_EXAMPLES).description(
    'relays that add a known delay, found or not: the smallest overhead that this machine can tell from none',
  )

  subcommand(program, 'verify')
    .description(
      'run a published claim, and say whether it was reproduced; without a claim, list those that come with bench',
    )
    .usage('[CLAIM...] [--out DIR] [--allow-loaded] [--json]')
    .argument('[claims...]', 'claim files, or names of those that come with bench')
    .option('--out <dir>', "folder that each claim's own folder is made in (default: results)")
    .option('--allow-loaded', 'start although the machine has other work')
    .option('--json', 'print the judgements as JSON')
    .addHelpText('after', VERIFY_EXAMPLES)
    .action((claims: string[], options: Parameters<Actions['verify']>[1]) => actions.verify(claims, options))

  subcommand(program, 'report')
    .description('markdown of one run or one comparison, or several runs side by side')
    .usage('RUN [RUN...] [--published] [--out FILE]')
    .argument('[runs...]', "run folders, or their result.json files; or one comparison's folder")
    .option('--published', 'put the published figures beside them')
    .option('--out <file>', 'write there instead of printing')
    .addHelpText(
      'after',
      `
Examples:
  bench report results/20261120T170331Z-builtin-t3.medium
  bench report results/A results/B --published --out comparison.md
`,
    )
    .action((runs: string[], options: { published?: boolean; out?: string }) => actions.report(runs, options))

  subcommand(program, 'diff')
    .description('what differs between runs beyond noise, in markdown for a pull request; code 1 on a regression')
    .usage('BASE NEW [--max NAME=LIMIT...] [--allow-invalid] [--json] [--out FILE]')
    .argument('[sides...]', 'BASE and NEW: each a run folder, several as A1,A2,A3, or a folder that holds run folders')
    .option(
      '--max <limits>',
      'how far NEW may go, such as p99=+10%, cpu=+5us, success=-0.1pt, p99=200ms; again, or with commas, for more',
      another,
    )
    .option('--allow-invalid', 'compare runs whose verdict is INVALID as well')
    .option('--json', 'print the differences as JSON')
    .option('--out <file>', 'write there instead of printing')
    .addHelpText(
      'after',
      `
Examples:
  bench diff results/A results/B
  bench diff base/ new/ --max p99=+10%,mean=+5% --max success=-0.1pt --out comment.md

Metrics: ${METRICS.map(({ name }) => name).join(', ')}.

Exit codes: 0 no regression; 1 a limit is exceeded, beyond noise; 2 wrong flags, or runs that cannot be compared.
`,
    )
    .action((sides: string[], options: Parameters<Actions['diff']>[1]) => actions.diff(sides, options))

  subcommand(program, 'targets')
    .description('the gateways that bench knows: what is installed, and how the rest is')
    .option('--install <names>', 'install these first, names or target files separated by commas')
    .option('--json', 'print the list as JSON')
    .addHelpText('after', '\nExamples:\n  bench targets\n  bench targets --install nginx,haproxy\n')
    .action((options: { install?: string; json?: boolean }) => actions.targets(options))

  subcommand(program, 'doctor')
    .description('is this machine fit for a run: file limits, ports, clock, timer noise, steal')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', '\nExamples:\n  bench doctor\n  bench doctor --json\n')
    .action((options: { json?: boolean }) => actions.doctor(options))

  passThrough(program, 'gateway', 'serve the built-in gateway alone', '--config config.json --port 8080', (args) =>
    actions.gateway(args),
  )
  passThrough(program, 'mock', 'serve the mock provider alone', '--port 8001 --latency 1500ms', (args) =>
    actions.mock(args),
  )
  // `bench` is `bench run`: its help is not whole without the flags.
  program.addHelpText(
    'after',
    () => `
${run.helpInformation()}${RUN_EXAMPLES}`,
  )
  return program
}

function subcommand(program: Command, name: string, options: { isDefault?: boolean } = {}): Command {
  return program.command(name, options).helpOption('-h, --help', 'print help')
}

/** A subcommand whose flags, --help included, are another program's own. */
function passThrough(
  program: Command,
  name: string,
  description: string,
  example: string,
  action: (args: string[]) => Promise<void>,
): void {
  const command = program
    .command(name)
    .description(`${description}; "bench ${name} --help" lists its flags, e.g. ${example}`)
    .usage('[flags]')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .passThroughOptions()
  command.action(() => action(command.args))
}

/** A subcommand whose flags are read by our own parser, which reports every problem together. */
function loadCommand<C extends RunConfig>(
  program: Command,
  { command: name, defaults, flags }: FlagSet<C>,
  action: LoadAction,
  examples: string,
): Command {
  const command = subcommand(program, name, { isDefault: name === 'run' })
    .usage('[flags]')
    // Unknown flags and stray words go to the parser as well.
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', examples)
    .configureHelp({ optionTerm: (option) => option.flags.replace('[', '<').replace(']', '>') })
  for (const flag of flags) command.addOption(optionOf(flag, defaults))
  return command.action(async () => {
    await action(command.opts(), command.args)
  })
}

function optionOf<C extends RunConfig>(flag: Flag<C>, defaults: Readonly<C>): Option {
  // The value is optional for commander and required for our parser, which then reports it with everything else.
  const option = new Option(
    flag.argument === undefined ? `--${flag.name}` : `--${flag.name} [${flag.argument}]`,
    flag.show ? `${flag.help} (default: ${flag.show(defaults)})` : flag.help,
  ).helpGroup(`${flag.group}:`)
  if (flag.repeatable === true) option.argParser(another)
  return option
}

/** Of an option that may be given several times: all its values. */
function another(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value]
}

function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}
