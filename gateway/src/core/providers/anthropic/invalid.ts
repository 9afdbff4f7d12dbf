import { GatewayError } from '../../errors.ts'

/** An error that names the member of the request, its value and what would be right. */
export function invalid(path: string, value: unknown, right: string): GatewayError {
  const MAX_CHARACTERS = 100
  // undefined has no JSON.
  const written = (JSON.stringify(value) as string | undefined) ?? 'nothing'
  const shown = written.length > MAX_CHARACTERS ? `${written.slice(0, MAX_CHARACTERS)}...` : written
  return new GatewayError('invalid_request', `${path}: ${right}, got ${shown}`)
}

/** @throws GatewayError `invalid_request` when the value is anything but a JSON object */
export function objectAt(path: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(path, value, 'must be an object')
  return value as Record<string, unknown>
}

/** @throws GatewayError `invalid_request` when the value is anything but a text */
export function textAt(path: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(path, value, 'must be a string')
  return value
}
