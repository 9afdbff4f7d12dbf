import { writeFileSync } from 'node:fs'

import { GatewayConfigFileSchema } from './config-file.ts'

/** The published JSON Schema of config.json; written anew by `node gateway/src/write-schema.ts`. */
export const schemaFile = new URL('../config.schema.json', import.meta.url)

export function schemaText(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://gatebench.invalid/config.schema.json',
    title: 'config.json of the gatebench gateway',
    description:
      'Settings of the whole gateway, and its providers. A setting that is not listed here is ignored, with a warning.',
    ...GatewayConfigFileSchema,
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

if (import.meta.main) writeFileSync(schemaFile, schemaText())
