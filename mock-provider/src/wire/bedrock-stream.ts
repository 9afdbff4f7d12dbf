import { EventStreamCodec } from '@smithy/eventstream-codec'

/** Content type of a stream of frames. */
export const EVENT_FRAMES = 'application/vnd.amazon.eventstream'

// What is framed here is ASCII, which is the same bytes in latin1 as in UTF-8, and latin1 is quicker.
function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

// Nothing is decoded here, so that the half which makes text of bytes is never called.
const CODEC = new EventStreamCodec(String, bytesOf)

/**
 * One event of a stream, framed and with its checksums.
 * Source: https://smithy.io/2.0/aws/amazon-eventstream.html
 * @param type what the event is, ASCII: `contentBlockDelta`
 * @param json its payload, ASCII
 * @returns latin1: one char a byte
 */
export function eventFrame(type: string, json: string): string {
  const { buffer, byteOffset, byteLength } = CODEC.encode({
    headers: {
      ':event-type': { type: 'string', value: type },
      ':content-type': { type: 'string', value: 'application/json' },
      ':message-type': { type: 'string', value: 'event' },
    },
    body: bytesOf(json),
  })
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}
