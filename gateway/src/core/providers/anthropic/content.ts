import { invalid, objectAt, textAt } from './invalid.ts'

/** A piece of a message's content in Anthropic's shape. */
export type Block = Record<string, unknown> & { type: string }

/** A message's content, a text or a list of parts, as blocks. Nothing at all is no blocks. */
export function contentBlocks(path: string, content: unknown): Block[] {
  if (content === undefined || content === null) return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw invalid(path, content, 'must be a string or an array of parts')
  return content.map((part: unknown, index) => partBlock(`${path}[${index}]`, objectAt(`${path}[${index}]`, part)))
}

function partBlock(path: string, part: Record<string, unknown>): Block {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: textAt(`${path}.text`, part.text) }
    case 'refusal':
      return { type: 'text', text: textAt(`${path}.refusal`, part.refusal) }
    case 'image_url': {
      const image = objectAt(`${path}.image_url`, part.image_url)
      return { type: 'image', source: imageSource(`${path}.image_url.url`, textAt(`${path}.image_url.url`, image.url)) }
    }
    default:
      throw invalid(`${path}.type`, part.type, 'anthropic takes text and image_url parts')
  }
}

function imageSource(path: string, url: string): Record<string, unknown> {
  if (/^https?:\/\//i.test(url)) return { type: 'url', url }
  const comma = url.indexOf(',')
  // The head alone: the data behind it may be megabytes.
  const mediaType = /^data:([^;,]+)(?:;[^;,]+)*;base64$/i.exec(comma < 0 ? '' : url.slice(0, Math.min(comma, 200)))?.[1]
  if (mediaType === undefined) throw invalid(path, url, 'must be an http(s) URL or data:<media type>;base64,<data>')
  return { type: 'base64', media_type: mediaType.toLowerCase(), data: url.slice(comma + 1) }
}

/** The texts of a message that Anthropic wants as one. */
export function contentText(path: string, content: unknown): string {
  const texts = contentBlocks(path, content).map((block) => {
    if (typeof block.text !== 'string') throw invalid(path, block.type, 'must hold text only')
    return block.text
  })
  return texts.join('')
}
