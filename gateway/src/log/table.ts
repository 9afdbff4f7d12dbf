import type { RequestRecord } from '../core/request-log.ts'

export interface Column {
  field: keyof RequestRecord
  /** Its name in the table. */
  name: string
  kind: 'integer' | 'text'
}

export const TABLE = 'gateway_requests'

/** The table's columns in its order; rows travel and are written in this order. */
export const COLUMNS: readonly Column[] = [
  { field: 'finishedAtMs', name: 'finished_at_ms', kind: 'integer' },
  { field: 'requestType', name: 'request_type', kind: 'text' },
  { field: 'provider', name: 'provider', kind: 'text' },
  { field: 'model', name: 'model', kind: 'text' },
  { field: 'keyName', name: 'key_name', kind: 'text' },
  { field: 'status', name: 'status', kind: 'integer' },
  { field: 'errorCode', name: 'error_code', kind: 'text' },
  { field: 'totalUs', name: 'total_us', kind: 'integer' },
  { field: 'upstreamUs', name: 'upstream_us', kind: 'integer' },
  { field: 'overheadUs', name: 'overhead_us', kind: 'integer' },
  { field: 'queueWaitUs', name: 'queue_wait_us', kind: 'integer' },
  { field: 'firstTokenUs', name: 'first_token_us', kind: 'integer' },
  { field: 'inputTokens', name: 'input_tokens', kind: 'integer' },
  { field: 'outputTokens', name: 'output_tokens', kind: 'integer' },
  { field: 'retries', name: 'retries', kind: 'integer' },
  { field: 'fallbackIndex', name: 'fallback_index', kind: 'integer' },
  { field: 'labels', name: 'labels', kind: 'text' },
]

export const COLUMN_NAMES: string = COLUMNS.map(({ name }) => name).join(', ')

/** `name type, ...` for a database that calls whole numbers of 53 bits `integerType`; `suffix` follows each type. */
export function columnDefinitions(integerType: string, suffix = ''): string {
  return COLUMNS.map(({ name, kind }) => `${name} ${kind === 'integer' ? integerType : 'TEXT'}${suffix}`).join(', ')
}
