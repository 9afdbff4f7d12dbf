import type { Socket } from 'node:net'

/** What is dealt. */
export interface Closable {
  destroy(): unknown
}

/** Who takes connections. */
export interface Seat<C extends Closable = Socket> {
  /** Sends it; whether it arrived is told by `settle`. */
  hand(id: number, connection: C): void
}

/**
 * Gives each connection to one worker: the next in turn among those that are quickest to take what they were given, so
 * that a worker that hangs gets no more. A connection is kept here until its worker has said that it has it; when that
 * worker dies or refuses, another one gets it, and no caller notices.
 *
 * node:cluster's own round-robin forgets a connection whose worker dies before it has answered, and its caller waits
 * for ever.
 */
export class ConnectionDealer<C extends Closable = Socket> {
  /** Who takes connections, in the order of their turns. */
  private readonly seats = new Set<Seat<C>>()
  private readonly unanswered = new Map<Seat<C>, Map<number, C>>()
  private readonly waiting: C[] = []
  private nextId = 1
  private closed = false

  /** How many wait because nobody takes any. */
  get waitingCount(): number {
    return this.waiting.length
  }

  deal(connection: C): void {
    if (this.closed) {
      connection.destroy()
      return
    }
    const seat = this.nextSeat()
    if (seat === undefined) {
      this.waiting.push(connection)
      return
    }
    // Whoever has had a turn is last in line for the next.
    this.seats.delete(seat)
    this.seats.add(seat)
    const id = this.nextId++
    this.unanswered.get(seat)!.set(id, connection)
    seat.hand(id, connection)
  }

  join(seat: Seat<C>): void {
    this.seats.add(seat)
    this.unanswered.set(seat, new Map())
    for (const connection of this.waiting.splice(0)) this.deal(connection)
  }

  /** It takes no more. What it has not answered for it may have read from: its answers may still come. */
  leave(seat: Seat<C>): void {
    this.seats.delete(seat)
  }

  /** No answer will come any more: what is left, nobody has read from, and others get it. */
  dealAgain(seat: Seat<C>): void {
    const unanswered = this.unanswered.get(seat)
    this.unanswered.delete(seat)
    this.seats.delete(seat)
    for (const connection of unanswered?.values() ?? []) this.deal(connection)
  }

  /** The worker's answer. */
  settle(seat: Seat<C>, id: number, adopted: boolean): void {
    const unanswered = this.unanswered.get(seat)
    const connection = unanswered?.get(id)
    if (connection === undefined) return
    unanswered!.delete(id)
    // The worker has it open too: closing it here does not end it.
    if (adopted) connection.destroy()
    else this.deal(connection)
  }

  /** Connections that no worker has yet are closed from now on. */
  close(): void {
    this.closed = true
    for (const connection of this.waiting.splice(0)) connection.destroy()
  }

  private nextSeat(): Seat<C> | undefined {
    let chosen: Seat<C> | undefined
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
