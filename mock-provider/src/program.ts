import { MockUsageError, parseMockConfig, type MockConfig } from './config.ts'
import { createMockServer, type MockServer } from './server.ts'

const EXIT = { usage: 2, cannotListen: 3 }
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 }

function readConfig(): MockConfig {
  try {
    const parsed = parseMockConfig(process.argv.slice(2))
    if ('config' in parsed) return parsed.config
    process.stdout.write(parsed.help)
    process.exit(0)
  } catch (error) {
    if (!(error instanceof MockUsageError)) throw error
    process.stderr.write(`bench mock: ${error.message}\n`)
    process.exit(EXIT.usage)
  }
}

/** One sentence on why the address could not be had, and what would be right. */
function listenProblem({ code, message }: NodeJS.ErrnoException, { host, port }: MockConfig): string {
  switch (code ?? '') {
    case 'EADDRINUSE':
      return `--port: ${port} on ${host} is taken by another program; choose another port, or 0 for any free one`
    case 'EACCES':
      return `--port: ${port} may only be opened by an administrator; choose one from 1024 up, or 0 for any free one`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `--host: ${host} is not an address of this machine; write 127.0.0.1, or 0.0.0.0 for all of them`
    default:
      return `cannot listen on ${host}:${port}: ${message}`
  }
}

function drainOnSignals(server: MockServer): void {
  let draining = false
  for (const [signal, number] of Object.entries(SIGNAL_NUMBERS)) {
    process.on(signal, () => {
      if (draining) process.exit(128 + number)
      draining = true
      void server.close().then(() => process.exit(0))
    })
  }
}

const config = readConfig()
const server = createMockServer(config)
drainOnSignals(server)
try {
  const url = await server.listen()
  process.stdout.write(`${JSON.stringify({ event: 'listening', url })}\n`)
} catch (error) {
  process.stderr.write(`bench mock: ${listenProblem(error as NodeJS.ErrnoException, config)}\n`)
  process.exit(EXIT.cannotListen)
}
