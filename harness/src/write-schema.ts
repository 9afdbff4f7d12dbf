import { writeFileSync } from 'node:fs'
import type { TSchema } from 'typebox'
import { CompareRecordSchema } from './compare/record.ts'
import { ResultSchema } from './recording.ts'

/** The published JSON Schemas of result.json and comparison.json; written anew by `node harness/src/write-schema.ts`. */
export const PUBLISHED: readonly { file: URL; schema: TSchema }[] = [
  { file: new URL('../result.schema.json', import.meta.url), schema: ResultSchema },
  { file: new URL('../comparison.schema.json', import.meta.url), schema: CompareRecordSchema },
]

export function schemaText(schema: TSchema): string {
  return `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema }, null, 2)}\n`
}

if (import.meta.main) for (const { file, schema } of PUBLISHED) writeFileSync(file, schemaText(schema))
