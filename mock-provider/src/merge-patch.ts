import { isFields } from './wire/request-fields.ts'

/**
 * `target` with a JSON Merge Patch: objects are merged member by member, null takes a member out, all else replaces.
 * Source: RFC 7396, section 2.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch
  const merged: Record<string, unknown> = isFields(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, name)
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}
