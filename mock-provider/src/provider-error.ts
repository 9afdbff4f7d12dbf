/** An answer that is no success, and why; each dialect writes it in its provider's own shape. */
export class ProviderError extends Error {
  readonly statusCode: number
  /** The field of the request at fault. */
  readonly param: string | null
  /** What the provider calls this error, where its dialect has names besides the status. */
  readonly code: string | null
  /** For the header `Retry-After`, whole seconds. */
  readonly retryAfterSec: number | undefined

  /** @param options.retryAfterSec null for none @default 1 where the status is 429 */
  constructor(
    statusCode: number,
    message: string,
    options: { param?: string; code?: string; retryAfterSec?: number | null | undefined } = {},
  ) {
    super(message)
    this.name = 'ProviderError'
    this.statusCode = statusCode
    this.param = options.param ?? null
    this.code = options.code ?? null
    const { retryAfterSec = statusCode === 429 ? 1 : null } = options
    this.retryAfterSec = retryAfterSec ?? undefined
  }
}

/** A request that the provider would refuse with a 400. */
export function badRequest(message: string, param?: string): ProviderError {
  return new ProviderError(400, message, param === undefined ? {} : { param })
}
