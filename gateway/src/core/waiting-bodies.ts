import { GatewayError } from './errors.ts'

/** Who keeps a body, and how much of the bound it takes. */
export interface BodyHolder {
  bodyBytes: number
}

/**
 * Bounds the memory of bodies that have not gone upstream, all requests together. A body is held from the moment that it
 * is announced until it is written, or, where another try may need it, until its request ends.
 */
export class WaitingBodies {
  bytes = 0
  private readonly maxBytes: number

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /**
   * @param bytes of this body so far, or as announced
   * @throws GatewayError `waiting_bodies_full`
   */
  hold(holder: BodyHolder, bytes: number): void {
    const more = bytes - holder.bodyBytes
    // Alone it may: each body has been held against its own limit, and a worker's share of this one may be smaller.
    const isAlone = this.bytes === holder.bodyBytes
    if (!isAlone && this.bytes + more > this.maxBytes) {
      const limit = `${this.maxBytes} bytes`
      throw new GatewayError('waiting_bodies_full', `request dropped: the bodies that wait would exceed ${limit}`)
    }
    this.bytes += more
    holder.bodyBytes = bytes
  }

  release(holder: BodyHolder): void {
    this.bytes -= holder.bodyBytes
    holder.bodyBytes = 0
  }
}
