import type { AddressInfo } from 'node:net'
import { SystemClock } from '../clock.ts'
import { UsageError } from '../errors.ts'
import { DelayLine } from './delay-line.ts'
import { parseRelayFlags, type RelayFlags } from './relay-flags.ts'
import { createRelay } from './relay.ts'

/** A relay in a process of its own, on a free port; SIGTERM ends it, and it then says how long it held what it held. */

/** A driver opens all of its connections at once. */
const BACKLOG = 4_096

function readFlags(): RelayFlags {
  try {
    return parseRelayFlags(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`relay: ${error.message}\n`)
    process.exit(error.exitCode)
  }
}

const { upstream, delayUs } = readFlags()
const line = new DelayLine({ delayNs: delayUs * 1e3, clock: new SystemClock(), nextTurn: setImmediate })
const relay = createRelay(upstream, line)

process.once('SIGTERM', () => {
  process.stderr.write(`${JSON.stringify({ event: 'held', ...relay.held() })}\n`)
  process.exit(0)
})

relay.server.listen({ host: '127.0.0.1', port: 0, backlog: BACKLOG }, () => {
  // From here on it fails for single connections only, which their callers see.
  relay.server.on('error', (error) => process.stderr.write(`relay: ${error.message}\n`))
  const { port } = relay.server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${port}` })}\n`)
})
