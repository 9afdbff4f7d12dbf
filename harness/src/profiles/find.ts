import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { Value } from 'typebox/value'
import { nearest } from '../nearest.ts'
import { ProfileSchema, type Profile } from './profile.ts'
import { t3Medium } from './t3-medium.ts'
import { t3Xlarge } from './t3-xlarge.ts'

const KNOWN: readonly (Profile & { name: string })[] = [t3Medium, t3Xlarge]

export const PROFILE_NAMES: readonly string[] = KNOWN.map((profile) => profile.name)

export type FoundProfile = { profile: Profile & { name: string } } | { problems: string[] }

/** A profile by its name, or from a JSON file when the text is a path (has a slash or ends in .json). */
export function findProfile(nameOrPath: string): FoundProfile {
  const known = KNOWN.find((profile) => profile.name === nameOrPath)
  if (known) return { profile: known }
  if (nameOrPath.includes('/') || nameOrPath.endsWith('.json')) return readProfile(nameOrPath)
  const guess = nearest(nameOrPath, PROFILE_NAMES)
  return {
    problems: [
      `"${nameOrPath}" is not a known profile${guess === undefined ? '' : ` (did you mean ${guess}?)`}; ` +
        `write ${PROFILE_NAMES.join(' or ')}, or the path of a .json file`,
    ],
  }
}

function readProfile(path: string): FoundProfile {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return { problems: [`cannot read "${path}" as JSON: ${error instanceof Error ? error.message : String(error)}`] }
  }
  if (Value.Check(ProfileSchema, value)) {
    return { profile: { ...value, name: value.name ?? basename(path, '.json') } }
  }
  const errors = Value.Errors(ProfileSchema, value)
    // An unknown key is reported twice: by its object, which names it, and by itself as "schema is false".
    .filter((error) => error.keyword !== 'boolean')
  return { problems: errors.map((error) => `${path}: ${describe(error, value)}`) }
}

type SchemaError = ReturnType<typeof Value.Errors>[number]

/** Names the keys themselves where the validator only points at the object that has or lacks them. */
function describe(error: SchemaError, file: unknown): string {
  const path = error.instancePath.split('/').slice(1)
  const at = path.length === 0 ? 'the file' : path.join('.')
  if (error.keyword === 'additionalProperties') {
    return `${at} has an unknown key: ${error.params.additionalProperties.join(', ')}`
  }
  if (error.keyword === 'required') return `${at} lacks the key ${error.params.requiredProperties.join(', ')}`
  return `${at} ${error.message}, got ${JSON.stringify(valueAt(file, path))}`
}

function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    root,
  )
}
