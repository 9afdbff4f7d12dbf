/**
 * How an answer carries the truth about its own delay, in-band, so that every gateway lets it through: in the
 * completion's id and in a header. The content chunks of a stream also carry when each of them was written, in their
 * text, beside when it was planned after chunk 0; chunk k was late by (its stamp - the stamp of chunk 0) - its plan +
 * (actual - planned) of its id. An answer that has no id of its own (embeddings, Bedrock) has the header alone. This module is the contract's one owner, for writer
 * and reader.
 */

/** Header of every answer that has a delay, streams included: `planned=<us>;actual=<us>`. */
export const MOCK_DELAY_HEADER = 'x-mock-delay'

/**
 * What an answer says of its own delay, in us. Actual runs from the request fully read to the answer written; of a
 * stream, to its first content chunk written.
 */
export interface MockDelay {
  plannedUs: number
  actualUs: number
}

/** @example completionId(7, { plannedUs: 1500000, actualUs: 1500312 }) // 'chatcmpl-7-1500000-1500312' */
export function completionId(sequence: number, delay: MockDelay): string {
  return `chatcmpl-${sequence}-${delay.plannedUs}-${delay.actualUs}`
}

/** The same for Anthropic's dialect. @example messageId(7, { plannedUs: 1500000, actualUs: 1500312 }) // 'msg_7-1500000-1500312' */
export function messageId(sequence: number, delay: MockDelay): string {
  return `msg_${sequence}-${delay.plannedUs}-${delay.actualUs}`
}

/** The same for OpenAI's Responses. @example responseId(7, { plannedUs: 1500000, actualUs: 1500312 }) // 'resp_7-1500000-1500312' */
export function responseId(sequence: number, delay: MockDelay): string {
  return `resp_${sequence}-${delay.plannedUs}-${delay.actualUs}`
}

/** The same for Gemini's `responseId`. @example geminiId(7, { plannedUs: 1500000, actualUs: 1500312 }) // 'gem_7-1500000-1500312' */
export function geminiId(sequence: number, delay: MockDelay): string {
  return `gem_${sequence}-${delay.plannedUs}-${delay.actualUs}`
}

const ANSWER_ID = /(?:chatcmpl-|msg_|resp_|gem_)\d+-(\d+)-(\d+)/

/** The delay in a text that holds an answer's id (the id itself, a body, an event); undefined when there is none. */
export function delayFromText(text: string): MockDelay | undefined {
  const match = ANSWER_ID.exec(text)
  return match ? { plannedUs: Number(match[1]), actualUs: Number(match[2]) } : undefined
}

/** @example formatDelayHeader({ plannedUs: 1500000, actualUs: 1500312 }) // 'planned=1500000;actual=1500312' */
export function formatDelayHeader(delay: MockDelay): string {
  return `planned=${delay.plannedUs};actual=${delay.actualUs}`
}

const DELAY_HEADER = /^planned=(\d+);actual=(\d+)$/

/** The delay in a header's value; undefined when the value is not of the form. */
export function parseDelayHeader(value: string): MockDelay | undefined {
  const match = DELAY_HEADER.exec(value)
  return match ? { plannedUs: Number(match[1]), actualUs: Number(match[2]) } : undefined
}

/** What a content chunk of a stream says of itself. */
export interface ChunkStamp {
  /** Which content chunk of its stream, from 0. */
  index: number
  /** `process.hrtime.bigint()` when it was written: CLOCK_MONOTONIC, comparable across the processes of one machine. */
  sentNs: bigint
  /** When it was due after the first content chunk was, us. */
  plannedUs: number
}

/** What the text of a content chunk starts with. @example chunkText(3, 81000000042n, 150000) // 't3:81000000042+150000 ' */
export function chunkText(index: number, sentNs: bigint, plannedUs: number): string {
  return `t${index}:${sentNs}+${plannedUs} `
}

const CHUNK_STAMP = /\bt(\d+):(\d+)\+(\d+) /

/** The first stamp in a text (a chunk's content, or the event that holds it); undefined when there is none. */
export function parseChunkStamp(text: string): ChunkStamp | undefined {
  const match = CHUNK_STAMP.exec(text)
  return match ? { index: Number(match[1]), sentNs: BigInt(match[2]!), plannedUs: Number(match[3]) } : undefined
}
