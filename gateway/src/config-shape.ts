import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'

/**
 * What is left of a file's part when all that has the wrong shape is taken out. A setting that was there and is gone
 * is a property whose value is undefined: see `wasGiven`.
 */
export type Shaped<T> = T extends readonly (infer Item)[]
  ? Shaped<Item>[]
  : T extends object
    ? { [Name in keyof T]?: Shaped<T[Name]> | undefined }
    : T

export interface Findings {
  /** What makes the file unusable, each with its path. */
  problems: string[]
  /** What is in the file and changes nothing, each with its path. */
  warnings: string[]
}

/** The parts of JSON Schema that the schema of config.json uses. */
interface Schema {
  type?: string
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  patternProperties?: Readonly<Record<string, Schema>>
  items?: Schema
  maxItems?: number
  enum?: readonly string[]
  pattern?: string
  minLength?: number
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
}

/**
 * Takes what has the schema's shape and reports the rest, each piece with its path, so that one slip does not hide
 * the others. Names of records are not judged here.
 *
 * typebox's own `Errors` stops at eight and writes paths in which a slash in a name is a step; it judges the single
 * values here.
 */
export function takeShaped<S extends TSchema>(
  schema: S,
  path: string,
  value: unknown,
  findings: Findings,
): Shaped<Static<S>> | undefined {
  return take(schema, path, value, findings) as Shaped<Static<S>> | undefined
}

/** Whether the file says something here, be it of the wrong shape. */
export function wasGiven<T extends object>(section: T | undefined, name: keyof T): boolean {
  return section !== undefined && Object.hasOwn(section, name)
}

/** It was given in a shape that has been reported, so that nothing more can be said of it. */
export function isMalformed<T extends object>(section: T | undefined, name: keyof T): boolean {
  return wasGiven(section, name) && section?.[name] === undefined
}

function take(schema: Schema, path: string, value: unknown, findings: Findings): unknown {
  if (schema.type === 'object') {
    if (isObject(value)) return takeObject(schema, path, value, findings)
  } else if (schema.type === 'array') {
    if (Array.isArray(value)) return takeList(schema, path, value, findings)
  } else if (Value.Check(schema as TSchema, value)) {
    return value
  }
  findings.problems.push(`${path || 'the file'}: must be ${rule(schema)}, got ${shown(schema, value)}`)
  return undefined
}

function takeObject(
  { properties, required = [], patternProperties = {} }: Schema,
  path: string,
  value: Readonly<Record<string, unknown>>,
  findings: Findings,
): Record<string, unknown> {
  const inside = (name: string): string => (path === '' ? name : `${path}.${name}`)
  const taken: [string, unknown][] = []
  if (properties === undefined) {
    const [valueSchema = {}] = Object.values(patternProperties)
    for (const [name, item] of Object.entries(value)) {
      if (item !== undefined) taken.push([name, take(valueSchema, inside(name), item, findings)])
    }
    return Object.fromEntries(taken)
  }
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue
    if (Object.hasOwn(properties, name)) taken.push([name, take(properties[name]!, inside(name), item, findings)])
    else findings.warnings.push(`${inside(name)}: not a setting of this gateway; it changes nothing`)
  }
  const names = new Set(taken.map(([name]) => name))
  for (const name of required) {
    if (!names.has(name)) findings.problems.push(`${inside(name)}: is missing; it must be ${rule(properties[name]!)}`)
  }
  return Object.fromEntries(taken)
}

function takeList(schema: Schema, path: string, value: readonly unknown[], findings: Findings): unknown {
  const items = value.map((item, index) => take(schema.items ?? {}, `${path}.${index}`, item, findings))
  if (value.length > (schema.maxItems ?? Infinity)) {
    findings.problems.push(`${path}: must be ${rule(schema)}, got ${value.length}`)
    return undefined
  }
  // Places in a list are part of paths, so none may close up behind an item that is gone.
  if (schema.items?.type === 'object') return items.map((item) => item ?? {})
  return items.includes(undefined) ? undefined : items
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What would be right. */
function rule(schema: Schema): string {
  if (schema.enum) return `one of ${schema.enum.map((choice) => JSON.stringify(choice)).join(', ')}`
  switch (schema.type) {
    case 'integer':
    case 'number': {
      const kind = schema.type === 'integer' ? 'a whole number' : 'a number'
      const from =
        schema.exclusiveMinimum === undefined ? `from ${schema.minimum ?? 0}` : `above ${schema.exclusiveMinimum}`
      return `${kind} ${from} to ${schema.maximum ?? Number.MAX_VALUE}`
    }
    case 'boolean':
      return 'true or false'
    case 'array':
      return schema.maxItems === undefined ? 'a list' : `a list of at most ${schema.maxItems}`
    case 'object':
      return 'an object'
    case undefined:
    default:
      if (schema.pattern !== undefined) return `a text like ${schema.pattern}`
      return schema.minLength === undefined ? 'a text' : 'a text that is not empty'
  }
}

const LONGEST_SHOWN = 40

/** A value is shown only where no secret can be meant: keys, URLs and headers are texts, and objects and lists hold them. */
function shown({ type, pattern }: Schema, value: unknown): string {
  const harmless = type === 'object' || type === 'array' ? false : type !== 'string' || pattern !== undefined
  if (value === '' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return 'a list'
  if (!harmless || typeof value === 'object') return typeof value === 'object' ? 'an object' : `a ${typeof value}`
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value)
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text
}
