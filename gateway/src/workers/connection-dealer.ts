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
  /** Who takes connections, in the order of their turns. */
  private readonly seats = new Set<Seat>()
  private readonly unanswered = new Map<Seat, Map<number, Socket>>()
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
    // Whoever has had a turn is last in line for the next.
    this.seats.delete(seat)
    this.seats.add(seat)
    const id = this.nextId++
    this.unanswered.get(seat)!.set(id, socket)
    seat.hand(id, socket)
  }

  join(seat: Seat): void {
    this.seats.add(seat)
    this.unanswered.set(seat, new Map())
    for (const socket of this.waiting.splice(0)) this.deal(socket)
  }

  /** It takes no more. What it has not answered for it may have read from: its answers may still come. */
  leave(seat: Seat): void {
    this.seats.delete(seat)
  }

  /** No answer will come any more: what is left, nobody has read from, and others get it. */
  dealAgain(seat: Seat): void {
    const unanswered = this.unanswered.get(seat)
    this.unanswered.delete(seat)
    this.seats.delete(seat)
    for (const socket of unanswered?.values() ?? []) this.deal(socket)
  }

  /** The worker's answer. */
  settle(seat: Seat, id: number, adopted: boolean): void {
    const unanswered = this.unanswered.get(seat)
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
    for (const seat of this.seats) {
      const { size } = this.unanswered.get(seat)!
      if (size >= fewest) continue
      chosen = seat
      fewest = size
    }
    return chosen
  }
}
