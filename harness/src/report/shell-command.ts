/** Quoted as a shell wants it. @example shellCommand(['--header', 'a: b']) // "bench --header 'a: b'" */
export function shellCommand(argv: string[]): string {
  const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)
  return ['bench', ...argv.map(quote)].join(' ')
}
