/** Words of others (reasons, error texts, settings) inside of our markdown. */

/** In one line, and with nothing that markdown would take for a tag or for emphasis. */
export function plain(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/<(?=[a-z/!?])/gi, '&lt;')
    .replace(/[*`]/g, String.raw`\$&`)
}

/** Exactly as it came, but in one line. */
export function code(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ')
  // A code span ends at the first run of as many backticks as it began with.
  return line.includes('`') ? `\`\`\` ${line} \`\`\`` : `\`${line}\``
}

/** @example listed(['a', 'b', 'c']) // 'a, b and c' */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)!}`
}
