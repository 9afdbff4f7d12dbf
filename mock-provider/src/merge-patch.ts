import { isFields } from './wire/request-fields.ts'

/**
 * `target` with a JSON Merge Patch: objects are merged member by member, null takes a member out, all else replaces.
 * Source: RFC 7396, section 2.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch
  const merged = new Map(Object.entries(isFields(target) ? target : {}))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else merged.set(name, mergePatch(merged.get(name), value))
  }
  // Not member by member: what is assigned to the name __proto__ becomes no member.
  return Object.fromEntries(merged)
}
