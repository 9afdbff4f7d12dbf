import type { GatewayRequest, ProviderAdapter, StreamRequest, StreamTranslator } from './providers/provider.ts'

/** A single event beyond this is not a token; it must not fill the memory. */
const MAX_EVENT_CHARACTERS = 4 * 1024 * 1024

/** The line ends that close an event: an empty line. Lines may end in LF, CR LF or CR. */
const EVENT_END = /\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n/g

/**
 * Cuts what comes off a provider's connection into whole events and hands each to the translator as soon as it is
 * complete. Nothing but the beginning of an event that is still on its way is held back.
 *
 * Events: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export class StreamRelay {
  readonly translator: StreamTranslator
  /** Set once the provider has left its protocol. */
  malformed: SyntaxError | undefined = undefined
  private rest = ''

  constructor(translator: StreamTranslator) {
    this.translator = translator
  }

  /**
   * Takes bytes as they were read; returns the caller's events as latin1 text, '' when none is complete. The event that
   * reports a failure is not among them (`translator.failure` holds it), and neither is a malformed one (`malformed`); what
   * comes after either, or after the event that ends the stream, is dropped.
   */
  push(bytes: Buffer): string {
    const arrived = bytes.toString('latin1')
    const text = this.rest === '' ? arrived : this.rest + arrived
    // An end may lie across the seam; nothing before it needs to be searched again.
    EVENT_END.lastIndex = Math.max(0, this.rest.length - 3)
    let relayed = ''
    let start = 0
    while (!this.ended && EVENT_END.exec(text) !== null) {
      const end = EVENT_END.lastIndex
      relayed += this.translate(text.slice(start, end))
      start = end
    }
    this.rest = this.ended ? '' : text.slice(start)
    if (this.rest.length > MAX_EVENT_CHARACTERS) {
      this.rest = ''
      this.malformed = new SyntaxError(`an event is longer than ${MAX_EVENT_CHARACTERS} bytes`)
    }
    return relayed
  }

  /** The stream's last event has come. */
  isDone(): boolean {
    return this.translator.done
  }

  /** The provider has closed its stream properly: the caller's last events, '' for none. */
  end(): string {
    return this.ended ? '' : this.translator.end()
  }

  private translate(event: string): string {
    try {
      const translated = this.translator.translate(event)
      return this.translator.failure === undefined ? translated : ''
    } catch (error) {
      this.malformed =
        error instanceof SyntaxError ? error : new SyntaxError('an event could not be read', { cause: error })
      return ''
    }
  }

  private get ended(): boolean {
    return this.translator.done || this.translator.failure !== undefined || this.malformed !== undefined
  }
}

/** @param requested the model as the caller named it */
export function openRelay(adapter: ProviderAdapter, request: GatewayRequest, requested: string): StreamRelay {
  return new StreamRelay(adapter.openStream(streamRequest(request, requested)))
}

function streamRequest({ stream_options: options, n }: GatewayRequest, model: string): StreamRequest {
  const includeUsage =
    typeof options === 'object' && options !== null && 'include_usage' in options && options.include_usage === true
  return { model, includeUsage, ...(typeof n === 'number' && { choices: n }) }
}
