/** A JSON object as JSON.parse makes it. */
export type JsonObject = Record<string, unknown>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Deep: objects are merged member by member; anything else of `over`, arrays too, takes the place of what was there. */
export function mergeJson(base: JsonObject, over: JsonObject): JsonObject {
  // Not by assignment: a member called __proto__ is one like any other.
  return Object.fromEntries([
    ...Object.entries(base),
    ...Object.entries(over).map(([name, value]): [string, unknown] => {
      const own = Object.hasOwn(base, name) ? base[name] : undefined
      return [name, isJsonObject(own) && isJsonObject(value) ? mergeJson(own, value) : value]
    }),
  ])
}

/** The object that a text is, or what is wrong with the text, without quoting it: a key may stand in it. */
export function parseJsonObject(text: string): JsonObject | string {
  try {
    const value: unknown = JSON.parse(text)
    if (isJsonObject(value)) return value
    return `must be a JSON object, got ${value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`}`
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    // V8 quotes what stands around some mistakes.
    return reason.endsWith('is not valid JSON') ? 'is not JSON' : `is not JSON: ${reason}`
  }
}
