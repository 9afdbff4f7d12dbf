import { Command, CommanderError, Option } from 'commander'

import { EXIT } from './exit-codes.ts'
import { durationMs, labelNames, wholeNumber, workerCount, yesOrNo } from './flag-values.ts'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/** The command line, with the environment where the command line is silent. */
export interface Flags {
  /** The configuration file. */
  config: string
  port: number
  host: string
  workers: number
  drainLimitMs: number
  logLevel: string
  /** Absent: no profiling. 0: any free port. */
  debugPort?: number
  /** Say whether the configuration is right, and end. */
  check: boolean
  /** Over the configuration's own settings. */
  overrides: ConfigOverrides
}

/** Flags that win over settings of the file. */
export interface ConfigOverrides {
  poolSize?: number
  dropExcessRequests?: boolean
  prometheusLabels?: string[]
}

interface RawFlags extends ConfigOverrides {
  config: string
  port: number
  host: string
  workers: number
  drainLimit: number
  logLevel: string
  debugPort?: number
  check?: boolean
}

const EXAMPLES = `
Each flag is also an environment variable, GATEWAY_ and its name; the flag wins. One dash does as well as two.

Examples:
  node gateway/src/main.ts -config config.json
  node gateway/src/main.ts -config config.json -check
  node gateway/src/main.ts -config config.json -workers auto -debug-port 6060
  node gateway/src/main.ts -config config.json -port 0 -pool-size 10000 -drop-excess-requests
  curl localhost:8080/v1/chat/completions -d '{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
  curl -o gateway.cpuprofile 'localhost:6060/debug/profile?seconds=10'

Signals: SIGTERM and SIGINT drain, a second one ends at once; SIGHUP reads the configuration again.

Exit codes: ${EXIT.drained} drained; ${EXIT.cut} requests were cut, at the drain limit or by a second signal, or the workers could not
go on; ${EXIT.usage} flags or configuration; ${EXIT.cannotListen} cannot listen.`

/** The flags, or the exit code after help or problems have been printed. */
export function parseFlags(argv: readonly string[]): Flags | number {
  try {
    const {
      drainLimit,
      check = false,
      poolSize,
      dropExcessRequests,
      prometheusLabels,
      ...rest
    } = program().parse(argv.map(twoDashes), { from: 'user' }).opts<RawFlags>()
    const overrides = {
      ...(poolSize !== undefined && { poolSize }),
      ...(dropExcessRequests !== undefined && { dropExcessRequests }),
      ...(prometheusLabels && { prometheusLabels }),
    }
    return { ...rest, drainLimitMs: drainLimit, check, overrides }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? EXIT.drained : EXIT.usage
  }
}

function program(): Command {
  return new Command('gateway')
    .description('A lean OpenAI-compatible LLM gateway that times every stage of its own work.')
    .addOption(option('--config <file>', 'config.json').makeOptionMandatory())
    .addOption(
      option('--port <number>', 'port to listen on; 0 for any').argParser(wholeNumber(0, 65_535)).default(8_080),
    )
    .addOption(option('--host <name>', 'address to listen on').default('127.0.0.1'))
    .addOption(
      option('--workers <count>', 'processes that serve; auto: one per processor').argParser(workerCount).default(1),
    )
    .addOption(
      option('--pool-size <count>', 'request contexts allocated at start, over initial_pool_size').argParser(
        wholeNumber(0, 1e7),
      ),
    )
    .addOption(
      option('--drop-excess-requests [yes]', 'queue full: reject at once with 503, over drop_excess_requests')
        .argParser(yesOrNo)
        .preset('true'),
    )
    .addOption(
      option('--prometheus-labels <names>', 'labels from headers, as team-id,app; over prometheus_labels').argParser(
        labelNames,
      ),
    )
    .addOption(
      option('--drain-limit <duration>', 'running requests may take so long after SIGTERM')
        .argParser(durationMs)
        .default(30_000, '30s'),
    )
    .addOption(
      option('--debug-port <number>', 'CPU profiles and heap snapshots on this port of 127.0.0.1; 0 for any').argParser(
        wholeNumber(0, 65_535),
      ),
    )
    .addOption(option('--log-level <level>', 'failed requests are logged at info').choices(LOG_LEVELS).default('warn'))
    .addOption(
      option(
        '--check [yes]',
        'print what is wrong with the configuration, or ok, and exit; tries no path and no database',
      )
        .argParser(yesOrNo)
        .preset('true'),
    )
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(`gateway: ${text}`) })
}

function option(flags: string, description: string): Option {
  const made = new Option(flags, description)
  return made.env(`GATEWAY_${made.name().toUpperCase().replaceAll('-', '_')}`)
}

/** Flags are written with one dash in the configuration guides of Go programs, with two everywhere else. */
function twoDashes(argument: string): string {
  return /^-[a-z]{2}/.test(argument) ? `-${argument}` : argument
}
