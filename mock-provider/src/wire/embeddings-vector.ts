import { seededRandom } from '../random.ts'

/** A vector of length 1 that depends on the text alone; its numbers are exact in 32 bits. */
export function vectorOf(text: string, dimensions: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(fnv1a32(text))
  const vector = Float32Array.from({ length: dimensions }, () => random() * 2 - 1)
  const length = Math.hypot(...vector)
  return vector.map((value) => value / length)
}

/** As base64 of little-endian 32-bit floats, the form that OpenAI's clients ask for. */
export function base64Of(vector: Float32Array<ArrayBuffer>): string {
  const bytes = Buffer.alloc(vector.length * 4)
  vector.forEach((value, at) => bytes.writeFloatLE(value, at * 4))
  return bytes.toString('base64')
}

/** FNV-1a over UTF-16 units, 32 bits. Source: http://www.isthe.com/chongo/tech/comp/fnv/ */
function fnv1a32(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
