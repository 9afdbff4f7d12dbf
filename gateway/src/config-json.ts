/**
 * Where and why a text is not JSON, without quoting it: V8 shows what stands around the place, and that may be a key.
 *
 * @returns undefined for JSON
 */
export function jsonProblem(text: string): string | undefined {
  const message = failureOf(text)
  if (message === undefined || !isExcerpt(message)) return message
  // V8 names the place of some mistakes only. Texts that end before this one's fail in another way or not at all.
  let before = 0
  let behind = text.length
  while (behind - before > 1) {
    const middle = (before + behind) >>> 1
    if (isExcerpt(failureOf(text.slice(0, middle)) ?? '')) behind = middle
    else before = middle
  }
  const lines = text.slice(0, behind).split('\n')
  return `Unexpected token in JSON at position ${before} (line ${lines.length} column ${lines.at(-1)!.length})`
}

function failureOf(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const isExcerpt = (message: string): boolean => message.endsWith('is not valid JSON')
