/**
 * The UTF-8 bytes of a text, as latin1 text: one character a byte. Answers travel through the gateway in this form, because
 * node joins text with the head of a response into one write, and bytes it does not.
 */
export function utf8AsLatin1(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** The other way: the text whose UTF-8 bytes these are. */
export function latin1AsText(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString()
}
