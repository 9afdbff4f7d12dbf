import { Server as NetServer, type ListenOptions, type Server, type Socket } from 'node:net'
import type { Random } from './random.ts'

/** Who gets a connection: all, a share, or nobody. */
export interface DoorPolicy {
  refuseConnections: boolean
  /** Share of connections that are reset at once. */
  refuseRate: number
}

/** So often it is tried again to listen where it was before: another program may have the port meanwhile. */
const TRY_AGAIN_AFTER_MS = 100

/**
 * Lets connections in. While they are refused the socket does not listen at all, so that callers see what they would of
 * a provider that is down; those that are open stay.
 */
export class Doors {
  readonly #server: Server
  readonly #random: Random
  readonly #policy: () => DoorPolicy
  #address: ListenOptions | undefined
  #isMoving = false

  constructor(server: Server, random: Random, policy: () => DoorPolicy) {
    this.#server = server
    this.#random = random
    this.#policy = policy
  }

  /** @param address where the server listens, the port that it got */
  opened(address: ListenOptions): void {
    this.#address = address
    this.follow()
  }

  /** Whether the new connection may stay. */
  letsIn(socket: Socket): boolean {
    const { refuseRate } = this.#policy()
    if (refuseRate === 0 || this.#random() >= refuseRate) return true
    socket.resetAndDestroy()
    return false
  }

  /** The server closes: from now on the policy opens nothing again. */
  stopFollowing(): void {
    this.#address = undefined
  }

  /** Opens or closes as the policy says by now. */
  follow(): void {
    const address = this.#address
    if (!address || this.#isMoving) return
    const isWanted = !this.#policy().refuseConnections
    if (isWanted === this.#server.listening) return
    this.#isMoving = true
    const moved = (): void => {
      this.#isMoving = false
      this.follow()
    }
    if (isWanted) {
      this.#listen(address, moved)
    } else {
      // Not the close of an HTTP server, which ends idle connections too; and without waiting for those that are open.
      NetServer.prototype.close.call(this.#server)
      setImmediate(moved)
    }
  }

  #listen(address: ListenOptions, moved: () => void): void {
    const opened = (): void => {
      this.#server.off('error', failed)
      moved()
    }
    const failed = (): void => {
      this.#server.off('listening', opened)
      setTimeout(moved, TRY_AGAIN_AFTER_MS)
    }
    this.#server.once('listening', opened).once('error', failed).listen(address)
  }
}
