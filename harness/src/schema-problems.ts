import type { TSchema } from 'typebox'
import { Settings } from 'typebox/system'
import { Pointer, Value } from 'typebox/value'

type SchemaError = ReturnType<typeof Value.Errors>[number]

/** More than any file that people write has. */
const MAX_ERRORS = 10_000
const MAX_SHOWN_CHARS = 60

/** Every problem of a parsed JSON file: its path, what would be right, and what was there. Empty when there is none. */
export function schemaProblems(schema: TSchema, value: unknown): string[] {
  return allErrors(schema, value).flatMap((error) => describe(error, schema, value))
}

/** TypeBox stops after eight, by a setting of the whole process. */
function allErrors(schema: TSchema, value: unknown): SchemaError[] {
  const { maxErrors } = Settings.Get()
  Settings.Set({ maxErrors: MAX_ERRORS })
  try {
    return Value.Errors(schema, value)
  } finally {
    Settings.Set({ maxErrors })
  }
}

function describe(error: SchemaError, schema: TSchema, root: unknown): string[] {
  const { instancePath: at, schemaPath, keyword } = error
  // Each choice of a union complains, and then the union itself; an unknown member too is reported twice.
  if (schemaPath.includes('/anyOf/') || keyword === 'boolean') return []
  if (keyword === 'required') {
    return error.params.requiredProperties.map(
      (name) => `${at}/${name} is missing${descriptionAt(schema, `${schemaPath}/properties/${name}`)}`,
    )
  }
  if (keyword === 'additionalProperties') {
    return error.params.additionalProperties.map((name) => `${at}/${name} is not known here; leave it out`)
  }
  const right =
    keyword === 'enum'
      ? `must be one of ${error.params.allowedValues.join(', ')}`
      : keyword === 'anyOf'
        ? 'is none of what it may be'
        : error.message
  return [`${at || '/'} ${right}${descriptionAt(schema, schemaPath)}, got ${shortJson(Pointer.Get(root, at))}`]
}

/** In brackets: what the schema says that the value is. Empty where it says nothing. */
function descriptionAt(schema: TSchema, schemaPath: string): string {
  const part = Pointer.Get(schema, schemaPath.slice(1))
  const says = typeof part === 'object' && part !== null && 'description' in part ? part.description : undefined
  return typeof says === 'string' ? ` (${says})` : ''
}

function shortJson(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS - 3)}...` : text
}
