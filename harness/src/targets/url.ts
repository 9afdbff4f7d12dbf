import { connect } from 'node:net'
import { TargetError } from '../errors.ts'
import type { Target } from './target.ts'

const REACH_TIMEOUT_MS = 5_000

/** A gateway that somebody else started, at a base URL as `parseTarget` gives it. */
export function urlTarget(url: string): Target {
  return {
    name: url,
    title: 'a gateway that runs already',
    needsMock: false,
    settings: [],
    install: [],
    find: () => Promise.resolve({ installed: true }),
    start: async ({ signal }) => {
      await reach(url, REACH_TIMEOUT_MS, signal)
      return { name: url, url, managed: false, stop: () => Promise.resolve() }
    },
  }
}

/**
 * Opens one connection and closes it. No request is sent: gateways differ in the routes that they answer.
 *
 * @throws {TargetError} when nothing accepts a connection there in time.
 */
export async function reach(url: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const { hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port: port === '' ? 80 : Number(port) })
    const fail = (why: string, cause?: Error) => {
      const hint = 'is the gateway running, and is this the right address?'
      reject(new TargetError(`${url}: cannot be reached: ${why}; ${hint}`, { cause }))
      socket.destroy()
    }
    socket.setTimeout(timeoutMs, () => {
      fail(`no answer within ${timeoutMs} ms`)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      fail(error.code ?? error.message, error)
    })
    socket.once('connect', () => {
      resolve()
      socket.destroy()
    })
    const onAbort = () => {
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
      socket.destroy()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.once('close', () => signal?.removeEventListener('abort', onAbort))
  })
}
