/** What can differ between a request and what was expected. */
export const VIOLATION_KINDS = [
  /** No expected request has this path. */
  'wrong_path',
  /** An expected header is not there. */
  'lost_header',
  /** An expected header has another value. */
  'changed_header',
  /** An expected field of the body is not there. */
  'lost_field',
  /** An expected field of the body has another value, or an array another length. */
  'changed_field',
  /** The body has a field that was not expected. */
  'added_field',
  /** Anything lost, changed or added in what the model is to read. */
  'changed_message',
  /** The model is another one or missing, in the body or, where paths carry it, in the path. */
  'wrong_model',
  /** The API key is none of those that have a share, or there is none. */
  'wrong_key',
] as const

export type ViolationKind = (typeof VIOLATION_KINDS)[number]

/** Counted, but they make no request wrong: gateways add fields for good reasons, as `stream_options` for the usage. */
export const HARMLESS: ReadonlySet<ViolationKind> = new Set<ViolationKind>(['added_field'])

/** One difference. Keys are masked and values shortened. */
export interface Violation {
  kind: ViolationKind
  /** @example 'path', 'key', 'headers.x-team' or 'body.messages[0].content' */
  at: string
  /** @example 'expected 0.5, got 1' */
  problem: string
}

/** Whether any violation is more than harmless. */
export function isWrong(violations: readonly Violation[]): boolean {
  return violations.some(({ kind }) => !HARMLESS.has(kind))
}
