import { nearest } from '../nearest.ts'

/** Targets that bench knows by name. */
export const TARGET_NAMES = ['builtin', 'direct'] as const

export type ParsedTarget = { target: string } | { problem: string }

/** A known name, or a base URL without its trailing slash. @example parseTarget('http://10.0.0.2:8080/') */
export function parseTarget(text: string): ParsedTarget {
  if (TARGET_NAMES.some((name) => name === text)) return { target: text }
  const right = `write ${TARGET_NAMES.join(', ')}, or a base URL such as http://127.0.0.1:8080`
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
