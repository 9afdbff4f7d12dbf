const EXAMPLE = 'write postgres://user:password@host:5432/database'

/**
 * What of a connection URL may be shown, and what may not.
 *
 * @throws Error naming what is wrong with it, without showing any of it: it may be a secret in the wrong place.
 */
export function parsePostgresUrl(url: string): { label: string; secrets: readonly string[] } {
  const parsed = URL.parse(url)
  if (!parsed) throw new Error(`is not a URL; ${EXAMPLE}, with special characters of the password percent-encoded`)
  if (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:') {
    throw new Error(`is not a URL of PostgreSQL; ${EXAMPLE}`)
  }
  const raw = [parsed.password, parsed.searchParams.get('password') ?? ''].filter((secret) => secret !== '')
  let decoded: string[]
  try {
    decoded = [parsed.username, parsed.pathname, ...raw].map(decodeURIComponent).slice(2)
  } catch {
    throw new Error(`has a "%" that is not followed by two hexadecimal digits; ${EXAMPLE}, a literal "%" being "%25"`)
  }
  return { label: `PostgreSQL at ${parsed.host}${parsed.pathname}`, secrets: [...new Set([...raw, ...decoded])] }
}
