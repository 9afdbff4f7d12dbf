import { ProviderError } from './provider-error.ts'

/** Who is served: decides by the API key alone, at once. */
export class KeyPolicy {
  readonly #required: ReadonlySet<string>
  readonly #failing: ReadonlyMap<string, number>

  constructor(options: { requireKeys: readonly string[]; failKeys: readonly { key: string; status: number }[] }) {
    this.#required = new Set(options.requireKeys)
    this.#failing = new Map(options.failKeys.map(({ key, status }) => [key, status]))
  }

  /** @throws {ProviderError} when requests with this key fail, or the key is none of those required */
  check(key: string | undefined): void {
    const status = key === undefined ? undefined : this.#failing.get(key)
    if (status !== undefined) throw new ProviderError(status, `requests with this API key get ${status} (--fail-key)`)
    if (this.#required.size === 0 || (key !== undefined && this.#required.has(key))) return
    throw new ProviderError(401, key === undefined ? 'no API key was given' : 'the API key is not one of --require-key')
  }
}

/** The key in `authorization: Bearer <key>`; undefined when there is none. */
export function bearerKey(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
}
