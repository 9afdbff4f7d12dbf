/** A command line of ours. @example shellCommand(['--header', 'a: b']) // "bench --header 'a: b'" */
export function shellCommand(argv: readonly string[]): string {
  return shellWords(['bench', ...argv])
}

/** Quoted as a shell wants it. */
export function shellWords(argv: readonly string[]): string {
  const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)
  return argv.map(quote).join(' ')
}
