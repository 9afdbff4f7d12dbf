import { lookup } from 'node:dns/promises'
import type { AddressInfo } from 'node:net'

import { EXIT, ProgramError } from './exit-codes.ts'

/** The kernel clips it to net.core.somaxconn; a load test opens thousands of connections at once. */
const ACCEPT_BACKLOG = 65_535

export interface Place {
  port: number
  host: string
}

export function urlOf(address: AddressInfo): string {
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

/**
 * Where to listen, with its name resolved: for `localhost` Fastify would listen twice, with a second server of which
 * neither a drain nor anything else here knows.
 *
 * @throws ProgramError
 */
export async function resolved({ port, host }: Place): Promise<Place & { backlog: number }> {
  try {
    return { port, host: (await lookup(host)).address, backlog: ACCEPT_BACKLOG }
  } catch (error) {
    throw cannotListen({ port, host }, error)
  }
}

export function cannotListen({ port, host }: Place, error: unknown): ProgramError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const where = `port ${port} of ${host}`
  const reason =
    code === 'EADDRINUSE'
      ? `${where} is in use by another program; choose another with -port`
      : `cannot listen on ${where}: ${error instanceof Error ? error.message : String(error)}`
  return new ProgramError(EXIT.cannotListen, reason)
}
