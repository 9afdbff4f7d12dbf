import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

import type { CallerKeyConfig } from '../config.ts'

/**
 * Who may use the gateway. Keys are compared as SHA-256 digests, every one of them each time, so that neither the length
 * nor the beginning of a right key can be told from how long a refusal takes.
 */
export class CallerKeys {
  private readonly digests: readonly Buffer[]
  private readonly isEqual: typeof timingSafeEqual

  /**
   * @param keys none: anyone may
   * @param isEqual takes the same time whatever it is given
   */
  constructor(keys: readonly CallerKeyConfig[], isEqual: typeof timingSafeEqual = timingSafeEqual) {
    this.isEqual = isEqual
    this.digests = keys.map(({ value }) => digest(value))
  }

  /** Looks at `authorization: Bearer <key>`, `x-api-key` and `api-key`, where OpenAI's, Anthropic's and Azure's clients put it. */
  admits(headers: IncomingHttpHeaders): boolean {
    if (this.digests.length === 0) return true
    const shown = shownKey(headers)
    if (shown === undefined) return false
    const shownDigest = digest(shown)
    let known = false
    for (const candidate of this.digests) known = this.isEqual(candidate, shownDigest) || known
    return known
  }
}

function shownKey(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
  const key = bearer ?? headers['x-api-key'] ?? headers['api-key']
  return typeof key === 'string' ? key : undefined
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
