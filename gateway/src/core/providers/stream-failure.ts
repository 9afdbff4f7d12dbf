import type { StreamFailure } from './provider.ts'

/**
 * The error that an event reports, with the status that it would have had as an answer: the one it names (`status`,
 * `status_code`, or `code` where that is a status), else the one that belongs to its type or code, else 500.
 */
export function streamFailure(error: Record<string, unknown>, statuses: ReadonlyMap<string, number>): StreamFailure {
  const { type, code, message } = error
  const codeText = typeof code === 'string' || typeof code === 'number' ? String(code) : null
  const typeText = typeof type === 'string' ? type : ''
  const named = [error.status, error.status_code, code].map(asStatus).find((status) => status !== undefined)
  return {
    status: named ?? statuses.get(typeText) ?? statuses.get(codeText ?? '') ?? 500,
    type: typeText === '' ? 'provider_error' : typeText,
    code: codeText,
    message: typeof message === 'string' ? message : 'the provider reported an error without a message',
  }
}

/** Azure writes statuses as text. */
function asStatus(value: unknown): number | undefined {
  const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599 ? status : undefined
}

/** The event that tells a caller of OpenAI's protocol about the failure, as text. */
export function failureEvent({ type, code, message }: StreamFailure): string {
  return `data: ${JSON.stringify({ error: { message, type, param: null, code } })}\n\n`
}
