import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ReadyWhen {
  /** Of a GET, below the base URL. */
  path: string
  /** @default a status below 500 */
  accept?: (status: number) => boolean
}

/** Often while a fast program may get ready, so that a poll hides no more than this of its start; then less often. */
const POLL_MS = 25
const LATER_POLL_MS = 100
const POLLS_BEFORE_LATER = 80
/** A program that accepted a connection and forgot it is asked again. */
const POLL_TIMEOUT_MS = 5_000

/** Settles when the program at a base URL answers acceptably; never before, unless the signal rejects it. */
export async function answers(url: string, { path, accept = below500 }: ReadyWhen, signal: AbortSignal): Promise<void> {
  for (let polls = 0; ; polls++) {
    const status = await statusOf(url + path, AbortSignal.any([signal, AbortSignal.timeout(POLL_TIMEOUT_MS)]))
    if (status !== undefined && accept(status)) return
    await sleep(polls < POLLS_BEFORE_LATER ? POLL_MS : LATER_POLL_MS, undefined, { signal })
  }
}

const below500 = (status: number) => status < 500

/** Undefined when there was no answer. Each on a connection of its own, which closes. */
function statusOf(url: string, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal }, (response) => {
      resolve(response.statusCode)
      response.resume()
    })
    request.on('error', () => {
      resolve(undefined)
    })
  })
}
