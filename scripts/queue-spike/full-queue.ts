import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ResponseParser } from '@gatebench/gateway/http1'
import { parseServerTiming, TOTAL_SLOT } from '../../harness/src/transport/server-timing.ts'

const BODY = JSON.stringify({
  model: 'openai/gpt-4o-mini',
  messages: [{ role: 'user', content: 'Is there room in the queue?' }],
})
const OPENING_AT_ONCE = 256

function requestTo(url: URL): string {
  const head = ['POST /v1/chat/completions HTTP/1.1', `host: ${url.host}`, 'content-type: application/json']
  return `${head.join('\r\n')}\r\nx-bench-timing: 1\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`
}

/** Sends one request on each of `count` connections and leaves them waiting. Returns how to give them up. */
export async function occupy(url: URL, count: number): Promise<() => void> {
  const sockets: Socket[] = []
  const request = requestTo(url)
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(OPENING_AT_ONCE, count - sockets.length) }, () =>
      connect(Number(url.port), url.hostname).on('error', () => undefined),
    )
    sockets.push(...batch)
    await Promise.all(batch.map((socket) => once(socket, 'connect')))
    for (const socket of batch) socket.write(request)
  }
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}

/** One refusal. */
export interface Refusal {
  status: number
  /** Request handed to the socket here to its answer read here. */
  roundTripUs: number
  /** The gateway's own total, from `Server-Timing`; absent without it. */
  gatewayUs?: number
}

/** One request after the other on one connection; ends at the first that is not answered on it. */
export async function askOneByOne(url: URL, count: number): Promise<Refusal[]> {
  const socket = connect(Number(url.port), url.hostname).setNoDelay(true)
  await once(socket, 'connect')
  const parser = new ResponseParser({ keepHeaders: ['server-timing'] })
  const request = requestTo(url)
  try {
    const refusals: Refusal[] = []
    while (refusals.length < count) refusals.push(await ask(socket, parser, request))
    return refusals
  } finally {
    socket.destroy()
  }
}

function ask(socket: Socket, parser: ResponseParser, request: string): Promise<Refusal> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => {
      reject(new Error('the gateway closed the connection of a caller that it refused'))
    }
    const onData = (bytes: Buffer): void => {
      parser.execute(bytes, 0, bytes.length)
      if (!parser.complete) return
      const roundTripUs = (performance.now() - beganMs) * 1e3
      const totalNs = parseServerTiming(parser.headers[0] ?? '')?.[TOTAL_SLOT]
      const { status } = parser
      parser.reset()
      socket.off('data', onData).off('close', onClose)
      resolve({ status, roundTripUs, ...(totalNs !== undefined && { gatewayUs: totalNs / 1e3 }) })
    }
    socket.on('data', onData).once('close', onClose)
    const beganMs = performance.now()
    socket.write(request)
  })
}
