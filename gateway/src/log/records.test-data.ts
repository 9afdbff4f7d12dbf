import fc from 'fast-check'
import type { RequestRecord } from '../core/request-log.ts'
import { COLUMNS } from './table.ts'

export const RECORD: RequestRecord = {
  finishedAtMs: 1_790_000_000_123,
  requestType: 'chat_completion',
  provider: 'openai',
  model: 'gpt-4o-mini',
  keyName: 'k1',
  status: 200,
  errorCode: '',
  totalUs: 1_502_345,
  upstreamUs: 1_502_000,
  overheadUs: 345,
  queueWaitUs: 12,
  firstTokenUs: 0,
  inputTokens: 120,
  outputTokens: 300,
  retries: 1,
  fallbackIndex: 2,
  labels: '{"team-id":"a"}',
}

/** The model of a row that ends the thread of crashing-log-worker.test-support.ts. */
export const CRASH = 'crash'

/** Records that differ in when they finished: 0, 1, 2, ... */
export function numbered(count: number): RequestRecord[] {
  return Array.from({ length: count }, (_, index) => ({ ...RECORD, finishedAtMs: index }))
}

const wellFormedText = fc
  .string({ unit: 'binary', maxLength: 60 })
  .map((text) => text.replaceAll('\0', ''))
  .filter((text) => text.isWellFormed())
const nastyText = fc.constantFrom(
  `'`,
  `"`,
  '\\',
  '{NULL,"}',
  '\\N',
  '$1',
  '%s',
  '👩‍🚀',
  'é\t\r\n',
  `'); DROP TABLE x; --`,
)
const text = fc.oneof(wellFormedText, nastyText)
const integer = fc.oneof(fc.nat(), fc.maxSafeInteger())

/** Any record that both databases can hold as it is. */
export const anyRecord: fc.Arbitrary<RequestRecord> = fc
  .tuple(...COLUMNS.map(({ kind }) => (kind === 'integer' ? integer : text) as fc.Arbitrary<number | string>))
  .map((values) => Object.fromEntries(COLUMNS.map(({ field }, at) => [field, values[at]])) as unknown as RequestRecord)

/** A record as the table's row. */
export function rowOf(record: RequestRecord): Record<string, number | string> {
  return Object.fromEntries(COLUMNS.map(({ field, name }) => [name, record[field]]))
}
