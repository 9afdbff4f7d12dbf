import { latin1AsText } from './latin1.ts'
import { eventData } from './providers/event-data.ts'
import { RequestContext } from './request-context.ts'

/** Who hears what comes of one call of the library. */
export interface CallListener {
  settled(status: number, reply: string): void
  /** False asks for a pause. */
  chunk(chunk: unknown): boolean
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
      if (data === undefined || data === '[DONE]') continue
      takesMore = (this.listener?.chunk(JSON.parse(latin1AsText(data))) ?? true) && takesMore
    }
    return takesMore
  }

  override cutOff(): void {
    this.listener?.settled(this.status, '')
  }

  override reset(): void {
    super.reset()
    this.listener = null
  }
}
