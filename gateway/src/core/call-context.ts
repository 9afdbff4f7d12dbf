import { latin1AsText } from './latin1.ts'
import { eventData } from './providers/event-data.ts'
import { RequestContext } from './request-context.ts'

/** Who hears what comes of one call of the library. */
export interface CallListener {
  settled(status: number, reply: string): void
  /** False asks for a pause. */
  chunk(chunk: unknown): boolean
  /** Nothing of the stream has been taken for the idle limit: it ends here. */
  cutOff(): void
  /** A chunk is not JSON. The events that came with it are dropped. */
  unreadable(): void
}

/** A request context whose caller is in the same process. */
export class CallContext extends RequestContext {
  private listener: CallListener | null = null

  attach(listener: CallListener): void {
    this.listener = listener
  }

  override settled(): void {
    this.listener?.settled(this.status, latin1AsText(this.reply))
  }

  override streamStarted(): void {
    // The first chunk says so.
  }

  override streamed(events: string): boolean {
    let takesMore = true
    for (const event of events.split(/(?<=\n\r?\n|\r\r)/)) {
      const data = eventData(event)
      if (data === undefined || data.trim() === '[DONE]') continue
      const chunk = parsed(latin1AsText(data))
      if (chunk === undefined) {
        this.listener?.unreadable()
        return true
      }
      takesMore = (this.listener?.chunk(chunk) ?? true) && takesMore
    }
    return takesMore
  }

  override cutOff(): void {
    this.listener?.cutOff()
  }

  override reset(): void {
    super.reset()
    this.listener = null
  }
}

/** Over HTTP a chunk passes unread; here its text comes from outside, and must not throw into the pipeline. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
