import { utf8AsLatin1 } from '../../latin1.ts'
import { asObject, eventData, eventObject } from '../event-data.ts'
import { DONE_EVENT } from '../openai-stream.ts'
import type { StreamFailure, StreamRequest, StreamTranslator } from '../provider.ts'
import { failureEvent, streamFailure } from '../stream-failure.ts'
import { textOf } from './answer.ts'
import { finishReason } from './finish-reason.ts'
import { UsageCount } from './usage.ts'

/** Source: https://docs.anthropic.com/en/api/errors */
const STATUS_OF_ERROR: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
])

/** A tool use while its input comes in. */
interface OpenToolCall {
  /** Its place among the tool calls of the message. */
  index: number
  /** The input that it started with, as JSON: what counts when no fragments follow. */
  startInput: string
  fragments: boolean
}

/**
 * Turns the events of one streamed message into chat completion chunks, event by event.
 * Source: https://docs.anthropic.com/en/docs/build-with-claude/streaming
 */
export class AnthropicStream implements StreamTranslator {
  done = false
  failure: StreamFailure | undefined = undefined
  private readonly request: StreamRequest
  private readonly createdS: number
  private readonly usage = new UsageCount()
  /** The members that all chunks begin with, in latin1; undefined before the message starts. */
  private head: string | undefined
  /** The message has its stop reason; only `message_stop` is missing. */
  private stopped = false
  private toolCalls = 0
  private readonly openToolCalls = new Map<unknown, OpenToolCall>()

  constructor(request: StreamRequest, createdS: number) {
    this.request = request
    this.createdS = createdS
  }

  get inputTokens(): number {
    return this.usage.inputTokens
  }

  get outputTokens(): number {
    return this.usage.outputTokens
  }

  translate(event: string): string {
    if (this.done || this.failure) return ''
    const data = eventData(event)
    if (data === undefined || data === '') return ''
    const told = eventObject(data)
    switch (told.type) {
      case 'message_start':
        return this.start(asObject(told.message, 'message'))
      case 'content_block_start':
        return this.startBlock(told.index, asObject(told.content_block, 'content_block'))
      case 'content_block_delta':
        return this.extendBlock(told.index, asObject(told.delta, 'delta'))
      case 'content_block_stop':
        return this.stopBlock(told.index)
      case 'message_delta':
        return this.finish(asObject(told.delta, 'delta'), told.usage)
      case 'message_stop':
        return this.stop()
      case 'ping':
        // As a comment, so that nobody between here and the caller takes the connection for dead.
        return this.head === undefined ? '' : ': ping\n\n'
      case 'error':
        this.failure = streamFailure(asObject(told.error, 'error'), STATUS_OF_ERROR)
        return utf8AsLatin1(failureEvent(this.failure))
      default:
        // Anthropic may add events; callers are to ignore those that they do not know.
        if (typeof told.type !== 'string') throw new SyntaxError('the event has no type')
        return ''
    }
  }

  end(): string {
    return this.done || this.failure || !this.stopped ? '' : this.stop()
  }

  private start(message: Record<string, unknown>): string {
    this.usage.update(message.usage)
    const head = JSON.stringify({
      id: message.id,
      object: 'chat.completion.chunk',
      created: this.createdS,
      model: message.model ?? this.request.model,
    })
    this.head = utf8AsLatin1(head.slice(0, -1))
    return this.chunk({ role: 'assistant', content: '' })
  }

  private startBlock(index: unknown, block: Record<string, unknown>): string {
    if (block.type === 'text') return this.text(textOf(block, 'text'))
    if (block.type !== 'tool_use') return ''
    const startInput = JSON.stringify(asObject(block.input ?? {}, 'input'))
    const call: OpenToolCall = { index: this.toolCalls++, startInput, fragments: false }
    this.openToolCalls.set(index, call)
    const called = { name: textOf(block, 'name'), arguments: '' }
    return this.chunk({
      tool_calls: [{ index: call.index, id: textOf(block, 'id'), type: 'function', function: called }],
    })
  }

  private extendBlock(index: unknown, delta: Record<string, unknown>): string {
    if (delta.type === 'text_delta') return this.text(textOf(delta, 'text'))
    if (delta.type !== 'input_json_delta') return ''
    const fragment = textOf(delta, 'partial_json')
    const call = this.openToolCalls.get(index)
    // The tools that Anthropic runs itself stream their input too.
    if (!call || fragment === '') return ''
    call.fragments = true
    return this.argumentsChunk(call, fragment)
  }

  private stopBlock(index: unknown): string {
    const call = this.openToolCalls.get(index)
    this.openToolCalls.delete(index)
    // A tool without parameters streams no input, and an empty text would not be JSON.
    return call && !call.fragments ? this.argumentsChunk(call, call.startInput) : ''
  }

  private argumentsChunk({ index }: OpenToolCall, fragment: string): string {
    return this.chunk({ tool_calls: [{ index, function: { arguments: fragment } }] })
  }

  private text(content: string): string {
    return content === '' ? '' : this.chunk({ content })
  }

  private finish(delta: Record<string, unknown>, usage: unknown): string {
    this.usage.update(usage)
    if (typeof delta.stop_reason !== 'string') return ''
    const chunk = this.chunk({}, finishReason(delta.stop_reason))
    this.stopped = true
    return chunk
  }

  private stop(): string {
    const head = this.begun()
    this.done = true
    if (!this.request.includeUsage) return DONE_EVENT
    return `data: ${head},"choices":[],"usage":${JSON.stringify(this.usage)}}\n\n${DONE_EVENT}`
  }

  private chunk(delta: object, finished: string | null = null): string {
    const choice = `{"index":0,"delta":${utf8AsLatin1(JSON.stringify(delta))},"logprobs":null,"finish_reason":${JSON.stringify(finished)}}`
    return `data: ${this.begun()},"choices":[${choice}]}\n\n`
  }

  private begun(): string {
    if (this.head === undefined) throw new SyntaxError('the message has not started')
    return this.head
  }
}
