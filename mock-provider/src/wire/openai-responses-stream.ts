import { asciiJson } from '../completion.ts'
import type { StreamScript } from '../stream.ts'
import type { MockDelay } from '../truth.ts'
import {
  AFTER_TEXT,
  afterItems,
  afterParts,
  BEFORE_TEXT,
  beforeItems,
  beforeParts,
  callItem,
  callItemId,
  messageItemId,
  usageJson,
  type ResponseStatus,
} from './openai-responses-object.ts'
import { fragments, type ToolCall } from './tool-call.ts'
import { streamLength, type StreamFacts, type WireRequest } from './wire.ts'

/** What the streams of a response have in common: events that are numbered from 0, about an output of one item. */
class ResponseEvents {
  readonly #request: WireRequest
  readonly #sequence: number
  #beforeItems = ''
  #written = 0

  constructor(request: WireRequest, sequence: number) {
    this.#request = request
    this.#sequence = sequence
  }

  /** @param rest of the event's members, each with a comma before it */
  write(type: string, rest: string): string {
    return `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#written++}${rest}}\n\n`
  }

  begin(delay: MockDelay, createdSec: number, item: string): string {
    const { model, maxTokens } = this.#request
    this.#beforeItems = beforeItems({ sequence: this.#sequence, delay, createdSec, model, maxTokens })
    const response = `,"response":${this.#beforeItems}${afterItems('in_progress', null)}`
    return (
      this.write('response.created', response) +
      this.write('response.in_progress', response) +
      this.write('response.output_item.added', `,"output_index":0,"item":${item}`)
    )
  }

  end(status: 'completed' | 'incomplete', item: string, outputTokens: number): string {
    const usage = usageJson(this.#request.promptTokens, outputTokens)
    const response = `,"response":${this.#beforeItems}${item}${afterItems(status, usage)}`
    return (
      this.write('response.output_item.done', `,"output_index":0,"item":${item}`) +
      this.write(`response.${status}`, response)
    )
  }
}

/**
 * A message, chunk by chunk. Its end repeats all of its text, as published.
 * Source: https://platform.openai.com/docs/api-reference/responses-streaming
 */
export class ResponseTextStream implements StreamScript {
  readonly chunks: number
  readonly #tokens: number
  readonly #status: 'completed' | 'incomplete'
  readonly #sequence: number
  readonly #events: ResponseEvents
  /** Where in the response each event of the text belongs. */
  readonly #place: string
  #text = ''

  constructor(request: WireRequest, facts: StreamFacts) {
    const { tokens, chunks, capped } = streamLength(request, facts)
    this.chunks = chunks
    this.#tokens = tokens
    this.#status = capped ? 'incomplete' : 'completed'
    this.#sequence = facts.sequence
    this.#events = new ResponseEvents(request, facts.sequence)
    this.#place = `,"item_id":"${messageItemId(facts.sequence)}","output_index":0,"content_index":0`
  }

  begin(delay: MockDelay, createdSec: number): string {
    return (
      this.#events.begin(delay, createdSec, this.#item('', 'in_progress')) +
      this.#events.write('response.content_part.added', `${this.#place},"part":${BEFORE_TEXT}${AFTER_TEXT}`)
    )
  }

  chunk(_index: number, text: string): string {
    this.#text += text
    return this.#events.write('response.output_text.delta', `${this.#place},"delta":"${text}","logprobs":[]`)
  }

  end(): string {
    const part = BEFORE_TEXT + this.#text + AFTER_TEXT
    return (
      this.#events.write('response.output_text.done', `${this.#place},"text":"${this.#text}","logprobs":[]`) +
      this.#events.write('response.content_part.done', `${this.#place},"part":${part}`) +
      this.#events.end(this.#status, this.#item(part, this.#status), this.#tokens)
    )
  }

  #item(parts: string, status: ResponseStatus): string {
    return beforeParts(this.#sequence) + parts + afterParts(status)
  }
}

/** A call of a tool, its arguments fragment by fragment. Source: as of `ResponseTextStream` */
export class ResponseCallStream implements StreamScript {
  readonly chunks: number
  readonly #sequence: number
  readonly #toolCall: ToolCall
  readonly #fragments: string[]
  readonly #events: ResponseEvents
  readonly #place: string

  constructor(request: WireRequest, toolCall: ToolCall, { sequence, tokens }: StreamFacts) {
    this.#sequence = sequence
    this.#toolCall = toolCall
    this.#fragments = fragments(toolCall.argumentsJson, tokens)
    this.chunks = this.#fragments.length
    this.#events = new ResponseEvents(request, sequence)
    this.#place = `,"item_id":"${callItemId(sequence)}","output_index":0`
  }

  begin(delay: MockDelay, createdSec: number): string {
    const call = callItem(this.#sequence, { ...this.#toolCall, argumentsJson: '' }, 'in_progress')
    return this.#events.begin(delay, createdSec, call)
  }

  chunk(index: number): string {
    const delta = asciiJson(this.#fragments[index])
    return this.#events.write('response.function_call_arguments.delta', `${this.#place},"delta":${delta}`)
  }

  end(): string {
    const { name, argumentsJson } = this.#toolCall
    const done = `${this.#place},"name":${asciiJson(name)},"arguments":${asciiJson(argumentsJson)}`
    const call = callItem(this.#sequence, this.#toolCall, 'completed')
    return (
      this.#events.write('response.function_call_arguments.done', done) +
      this.#events.end('completed', call, this.chunks)
    )
  }
}
