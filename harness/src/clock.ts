/** Time as an argument: everything that waits or stamps takes a Clock, so that tests run on a virtual one. */
export interface Clock {
  /** Monotonic time, ns, from an origin that every thread of this machine shares. */
  nowNs(): number
  /** Calls back once, not before `atNs` and in a later turn. Returns a way to give up. */
  wakeAt(atNs: number, callback: () => void): () => void
  /** Time this thread has spent asleep on behalf of `wakeAt`, ns: idle time that the event loop's own accounting calls busy. */
  sleptNs(): number
}

interface Alarm {
  /** How many alarms had been set before. */
  order: number
  atNs: number
  callback: () => void
}

/** The few alarms that are set at any time, in order of ringing: by time, ties by order of setting. */
class Alarms {
  readonly #alarms: Alarm[] = []
  #set = 0

  /** Alarms set so far. */
  get setCount(): number {
    return this.#set
  }

  /** Returns a way to take the alarm back. */
  set(atNs: number, callback: () => void): () => void {
    const alarm = { order: this.#set++, atNs, callback }
    const later = this.#alarms.findIndex((other) => other.atNs > atNs)
    this.#alarms.splice(later < 0 ? this.#alarms.length : later, 0, alarm)
    return () => {
      const at = this.#alarms.indexOf(alarm)
      if (at >= 0) this.#alarms.splice(at, 1)
    }
  }

  get nextNs(): number | undefined {
    return this.#alarms[0]?.atNs
  }

  /** The first alarm that is due and was among the first `setBefore` to be set, taken off; undefined when none is. */
  takeDue(nowNs: number, setBefore = Infinity): Alarm | undefined {
    const at = this.#alarms.findIndex(({ order }) => order < setBefore)
    return at >= 0 && this.#alarms[at]!.atNs <= nowNs ? this.#alarms.splice(at, 1)[0] : undefined
  }
}

/** A sleep is cut this short to let the event loop read sockets: it bounds how late an answer can be stamped. */
const NAP_MAX_NS = 250_000
/** What a wake-up may be late by on an idle machine: Linux's default timer slack of 50 us, and the way back to the thread. */
const TIMER_SLACK_NS = 100_000
/** Above this distance a timer of the event loop is used; its granularity of 1 ms then costs nothing. */
const TIMER_ABOVE_NS = 3_000_000
/** A longer timer of node rings after 1 ms instead. */
const TIMER_MAX_MS = 2 ** 31 - 1

/**
 * The machine's monotonic clock. Close to the next alarm it naps in `Atomics.wait` between turns of the event loop:
 * a timer is 0.5 ms late at the median and spinning takes a whole core (METHOD.md has the figures for all three).
 * All alarms of a thread belong on one SystemClock: a nap ends at the earliest of them.
 */
export class SystemClock implements Clock {
  readonly #alarms = new Alarms()
  readonly #napCell = new Int32Array(new SharedArrayBuffer(4))
  // performance.now() is the cheapest clock with ns resolution, but counts from the start of its own thread.
  readonly #originNs = Number(process.hrtime.bigint()) - performance.now() * 1e6
  #sleptNs = 0
  #cancelTurn: (() => void) | undefined
  #turnAtNs = Infinity

  nowNs(): number {
    return this.#originNs + performance.now() * 1e6
  }

  sleptNs(): number {
    return this.#sleptNs
  }

  wakeAt(atNs: number, callback: () => void): () => void {
    const cancel = this.#alarms.set(atNs, callback)
    this.#scheduleTurn()
    return () => {
      cancel()
      this.#scheduleTurn()
    }
  }

  #scheduleTurn(): void {
    const nextNs = this.#alarms.nextNs
    if (nextNs === undefined) {
      this.#cancelTurn?.()
      this.#cancelTurn = undefined
      this.#turnAtNs = Infinity
      return
    }
    // A turn that is early finds nothing due and schedules again.
    if (this.#cancelTurn && this.#turnAtNs <= nextNs) return
    this.#cancelTurn?.()
    this.#turnAtNs = nextNs
    const aheadNs = nextNs - this.nowNs()
    if (aheadNs > TIMER_ABOVE_NS) {
      const aheadMs = Math.floor((aheadNs - TIMER_ABOVE_NS / 2) / 1e6)
      const timer = setTimeout(this.#turn, Math.min(aheadMs, TIMER_MAX_MS))
      this.#cancelTurn = () => {
        clearTimeout(timer)
      }
    } else {
      const immediate = setImmediate(this.#turn)
      this.#cancelTurn = () => {
        clearImmediate(immediate)
      }
    }
  }

  readonly #turn = (): void => {
    this.#cancelTurn = undefined
    this.#turnAtNs = Infinity
    this.#napUntil(this.#alarms.nextNs!)
    const nowNs = this.nowNs()
    // One that is set while ringing waits for a later turn, or alarms set for "now" would keep sockets from being read.
    const { setCount } = this.#alarms
    for (let due = this.#alarms.takeDue(nowNs, setCount); due; due = this.#alarms.takeDue(nowNs, setCount)) {
      due.callback()
    }
    this.#scheduleTurn()
  }

  #napUntil(atNs: number): void {
    const beforeNs = this.nowNs()
    const aheadNs = atNs - beforeNs
    if (aheadNs <= 0 || aheadNs > TIMER_ABOVE_NS) return
    const napNs = Math.min(aheadNs, NAP_MAX_NS)
    Atomics.wait(this.#napCell, 0, 0, napNs / 1e6)
    // A longer sleep than the kernel's timers explain is a thread that wanted to run and could not: that is not idle.
    this.#sleptNs += Math.min(this.nowNs() - beforeNs, napNs + TIMER_SLACK_NS)
  }
}

/** A clock that moves only when told to. */
export class VirtualClock implements Clock {
  readonly #alarms = new Alarms()
  #nowNs: number

  constructor(startNs = 0) {
    this.#nowNs = startNs
  }

  nowNs(): number {
    return this.#nowNs
  }

  sleptNs(): number {
    return 0
  }

  wakeAt(atNs: number, callback: () => void): () => void {
    return this.#alarms.set(atNs, callback)
  }

  /** Lets time pass to `atNs`, ringing every alarm on the way; one that is set while ringing rings too when due. */
  advanceTo(atNs: number): void {
    const takeDue = (): Alarm | undefined => this.#alarms.takeDue(Math.max(atNs, this.#nowNs))
    for (let due = takeDue(); due; due = takeDue()) {
      this.#nowNs = Math.max(this.#nowNs, due.atNs)
      due.callback()
    }
    this.#nowNs = Math.max(this.#nowNs, atNs)
  }

  /** A stall: time passes and nobody gets to run; what came due meanwhile rings at the next advance. */
  stall(forNs: number): void {
    this.#nowNs += forNs
  }
}
