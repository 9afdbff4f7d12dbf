import type { Socket } from 'node:net'

/** Who takes connections. */
export interface Seat {
  /** Sends it; whether it arrived is told by `settle`. */
  hand(id: number, socket: Socket): void
}

/**
 * Gives each connection to one worker: the next in turn among those that are quickest to take what they were given, so
 * that a worker that hangs gets no more. A connection is kept here until its worker has said that it has it; when that
 * worker dies or refuses, another one gets it, and no caller notices.
 *
 * node:cluster's own round-robin forgets a connection whose worker dies before it has answered, and its caller waits
 * for ever.
 */
export class ConnectionDealer {
  /** In the order of their turns. By seat, what it has not answered for. */
  private readonly seats = new Map<Seat, Map<number, Socket>>()
  private readonly waiting: Socket[] = []
  private nextId = 1
  private closed = false

  /** How many wait because nobody takes any. */
  get waitingCount(): number {
    return this.waiting.length
  }

  deal(socket: Socket): void {
    if (this.closed) {
      socket.destroy()
      return
    }
    const seat = this.nextSeat()
    if (seat === undefined) {
      this.waiting.push(socket)
      return
    }
    const unanswered = this.seats.get(seat)!
    // Whoever has had a turn is last in line for the next.
    this.seats.delete(seat)
    this.seats.set(seat, unanswered)
    const id = this.nextId++
    unanswered.set(id, socket)
    seat.hand(id, socket)
  }

  join(seat: Seat): void {
    this.seats.set(seat, new Map())
    for (const socket of this.waiting.splice(0)) this.deal(socket)
  }

  /** It takes no more; what it has not answered for goes to others. */
  leave(seat: Seat): void {
    const unanswered = this.seats.get(seat)
    this.seats.delete(seat)
    for (const socket of unanswered?.values() ?? []) this.deal(socket)
  }

  /** The worker's answer. */
  settle(seat: Seat, id: number, adopted: boolean): void {
    const unanswered = this.seats.get(seat)
    const socket = unanswered?.get(id)
    if (socket === undefined) return
    unanswered!.delete(id)
    // The worker has it open too: closing it here does not end it.
    if (adopted) socket.destroy()
    else this.deal(socket)
  }

  /** Connections that no worker has yet are closed from now on. */
  close(): void {
    this.closed = true
    for (const socket of this.waiting.splice(0)) socket.destroy()
  }

  private nextSeat(): Seat | undefined {
    let chosen: Seat | undefined
    let fewest = Infinity
    for (const [seat, { size }] of this.seats) {
      if (size >= fewest) continue
      chosen = seat
      fewest = size
    }
    return chosen
  }
}
