import type { AddressInfo } from 'node:net'

/** The kernel clips it to net.core.somaxconn; a load test opens thousands of connections at once. */
export const ACCEPT_BACKLOG = 65_535

export interface Place {
  port: number
  host: string
}

export function urlOf(address: AddressInfo): string {
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}

/** Why, for people. */
export function cannotListen({ port, host }: Place, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const where = `port ${port} of ${host}`
  if (code === 'EADDRINUSE') return `${where} is in use by another program; choose another with -port`
  return `cannot listen on ${where}: ${error instanceof Error ? error.message : String(error)}`
}
