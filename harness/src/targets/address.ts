import { nearest } from '../nearest.ts'
import { TARGET_NAMES } from './known.ts'
import { readTargetFile } from './target-file-format.ts'

export type ParsedTarget = { target: string } | { problem: string }

/** A target file is recognised by the end of its name. */
export function isTargetFile(target: string): boolean {
  return target.endsWith('.json') && !target.includes('://')
}

/**
 * A known name, the path of a target file that has no problem, or a base URL without its trailing slash.
 * @example parseTarget('http://10.0.0.2:8080/')
 */
export function parseTarget(text: string): ParsedTarget {
  if (TARGET_NAMES.includes(text)) return { target: text }
  if (isTargetFile(text)) {
    const read = readTargetFile(text)
    return 'problems' in read ? { problem: `${text}: ${read.problems.join('; ')}` } : { target: text }
  }
  const right = `write ${TARGET_NAMES.join(', ')}, a base URL such as http://127.0.0.1:8080, or the path of a target file (.json)`
  if (!text.includes('://')) {
    const guess = nearest(text, TARGET_NAMES)
    return {
      problem: `"${text}" is not a known target${guess === undefined ? '' : ` (did you mean ${guess}?)`}; ${right}`,
    }
  }
  const url = URL.parse(text)
  if (url === null) return { problem: `"${text}" is not a URL; ${right}` }
  if (url.protocol === 'https:') {
    return { problem: `"${text}": https is not supported, only http for now; ${right}` }
  }
  if (url.protocol !== 'http:') return { problem: `"${text}": only http is supported; ${right}` }
  if (url.username !== '' || url.password !== '') {
    return { problem: `a URL with a user or password is not supported; pass them with --header 'authorization: ...'` }
  }
  if (url.search !== '' || url.hash !== '')
    return { problem: `"${text}": a base URL has no query and no fragment; ${right}` }
  const path = url.pathname.replace(/\/+$/, '')
  if (/\/v1(\/|$)/.test(path)) return { problem: `"${text}": leave out /v1 and what follows; bench adds it itself` }
  return { target: url.origin + path }
}
