import { writeFileSync } from 'node:fs'
import { ResultSchema } from './recording.ts'

/** The published JSON Schema of result.json; written anew by `node harness/src/write-schema.ts`. */
export const schemaFile = new URL('../result.schema.json', import.meta.url)

export function schemaText(): string {
  const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', ...ResultSchema }
  return `${JSON.stringify(schema, null, 2)}\n`
}

if (import.meta.main) writeFileSync(schemaFile, schemaText())
