import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'

import { CommanderError, Command, InvalidArgumentError, Option } from 'commander'
import { destination, pino } from 'pino'

import { ConfigError, type GatewayConfig, parseConfig } from './config.ts'
import { createServer } from './http/server.ts'

const EXIT_USAGE = 2
const EXIT_CANNOT_LISTEN = 3
/** The kernel clips it to net.core.somaxconn; a load test opens thousands of connections at once. */
const ACCEPT_BACKLOG = 65_535
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

interface Flags {
  config: string
  port: number
  host: string
  poolSize?: number
  dropExcessRequests?: boolean
  logLevel: string
}

const EXAMPLES = `
Examples:
  node gateway/src/main.ts -config config.json
  node gateway/src/main.ts -config config.json -port 0 -pool-size 10000 -drop-excess-requests
  curl localhost:8080/v1/chat/completions -d '{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'

Exit codes: 0 drained after SIGTERM or SIGINT; ${EXIT_USAGE} flags or configuration; ${EXIT_CANNOT_LISTEN} cannot listen.`

async function main(argv: readonly string[]): Promise<void> {
  const flags = parseFlags(argv)
  const logger = pino({ level: flags.logLevel }, destination(2))
  const config = loadConfig(flags)
  const { app, host } = createServer(config, {
    onFailure: (failure) => {
      logger.info(failure, 'request failed')
    },
  })
  for (const warning of await host.start()) process.stderr.write(`gateway: warning: ${warning}\n`)
  try {
    await app.listen({ host: flags.host, port: flags.port, backlog: ACCEPT_BACKLOG })
  } catch (error) {
    host.close()
    fail(EXIT_CANNOT_LISTEN, cannotListen(flags, error))
  }
  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(1)
    stopping = true
    host.draining = true
    // A connection that becomes idle only now is closed now, not when its keep-alive ends.
    setInterval(() => {
      app.server.closeIdleConnections()
    }, 50).unref()
    void app.close().then(() => {
      host.close()
      process.exitCode = 0
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.stdout.write(`${JSON.stringify({ event: 'listening', url: listeningUrl(app.server.address()) })}\n`)
}

function listeningUrl(address: AddressInfo | string | null): string {
  if (typeof address !== 'object' || address === null) throw new Error('the server listens on no TCP port')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

function parseFlags(argv: readonly string[]): Flags {
  const program = new Command('gateway')
    .description('A lean OpenAI-compatible LLM gateway that times every stage of its own work.')
    .requiredOption('--config <file>', 'config.json')
    .option('--port <number>', 'port to listen on; 0 for any', wholeNumber(65_535), 8_080)
    .option('--host <name>', 'address to listen on', '127.0.0.1')
    .option('--pool-size <count>', 'request contexts allocated at start, over initial_pool_size', wholeNumber(1e7))
    .option('--drop-excess-requests', 'queue full: reject at once with 503, over drop_excess_requests')
    .addOption(
      new Option('--log-level <level>', 'failed requests are logged at info').choices(LOG_LEVELS).default('warn'),
    )
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(`gateway: ${text}`) })
  try {
    return program.parse(argv.map(twoDashes), { from: 'user' }).opts<Flags>()
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE)
  }
}

/** Flags are written with one dash in the configuration guides of Go programs, with two everywhere else. */
function twoDashes(argument: string): string {
  return /^-[a-z]{2}/.test(argument) ? `-${argument}` : argument
}

function wholeNumber(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > max) {
      throw new InvalidArgumentError(`Write a whole number from 0 to ${max}.`)
    }
    return value
  }
}

function loadConfig(flags: Flags): GatewayConfig {
  try {
    const { config, warnings } = parseConfig(readJson(flags.config), process.env)
    for (const warning of warnings) process.stderr.write(`gateway: warning: ${flags.config}: ${warning}\n`)
    return {
      ...config,
      initialPoolSize: flags.poolSize ?? config.initialPoolSize,
      dropExcessRequests: flags.dropExcessRequests ?? config.dropExcessRequests,
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { length } = error.problems
    const head = `${length} ${length === 1 ? 'problem' : 'problems'} in ${flags.config}`
    return fail(EXIT_USAGE, [head, ...error.problems.map((problem) => `  ${problem}`)].join('\n'))
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : String(error)])
  }
}

function cannotListen(flags: Flags, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const where = `port ${flags.port} of ${flags.host}`
  if (code === 'EADDRINUSE') return `${where} is in use by another program; choose another with -port`
  return `cannot listen on ${where}: ${error instanceof Error ? error.message : String(error)}`
}

function fail(exitCode: number, message: string): never {
  process.stderr.write(`gateway: ${message}\n`)
  process.exit(exitCode)
}

await main(process.argv.slice(2))
