/**
 * How an answer carries the truth about its own delay, in-band, so that every gateway lets it through:
 * in the completion's id and in a header. This module is the contract's one owner, for writer and reader.
 */

/** Header of every completion: `planned=<us>;actual=<us>`. */
export const MOCK_DELAY_HEADER = 'x-mock-delay'

/** What an answer says of its own delay, in us. Actual runs from the request fully read to the answer written. */
export interface MockDelay {
  plannedUs: number
  actualUs: number
}

/** @example completionId(7, { plannedUs: 1500000, actualUs: 1500312 }) // 'chatcmpl-7-1500000-1500312' */
export function completionId(sequence: number, delay: MockDelay): string {
  return `chatcmpl-${sequence}-${delay.plannedUs}-${delay.actualUs}`
}

const COMPLETION_ID = /chatcmpl-\d+-(\d+)-(\d+)/

/** The delay in a text that holds a completion id (the id itself or a whole body); undefined when there is none. */
export function delayFromText(text: string): MockDelay | undefined {
  const match = COMPLETION_ID.exec(text)
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
