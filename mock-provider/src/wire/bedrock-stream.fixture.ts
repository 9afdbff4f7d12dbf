import { EventStreamCodec } from '@smithy/eventstream-codec'

/** An event as it comes out of its frame. */
export interface Frame {
  headers: Record<string, unknown>
  payload: unknown
}

const CODEC = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
)

/** All frames of a stream in latin1, their lengths and checksums verified. @throws {Error} when one of them is wrong */
export function framesOf(stream: string): Frame[] {
  const frames: Frame[] = []
  let rest = Buffer.from(stream, 'latin1')
  while (rest.length > 0) {
    const length = rest.readUInt32BE(0)
    const { headers, body } = CODEC.decode(rest.subarray(0, length))
    frames.push({
      headers: Object.fromEntries(Object.entries(headers).map(([name, { value }]) => [name, value])),
      payload: JSON.parse(Buffer.from(body).toString('utf8')) as unknown,
    })
    rest = rest.subarray(length)
  }
  return frames
}
