import type { Target } from './target.ts'

/**
 * Every target that bench knows by name, in the order of lists. Adding one is its own file and a line here; files are
 * loaded when wanted, so that `--help` is fast.
 */
const KNOWN: readonly (readonly [name: string, load: () => Promise<Target>])[] = [
  ['direct', async () => (await import('./direct.ts')).direct],
  ['builtin', async () => (await import('./builtin.ts')).builtin],
  ['nginx', async () => (await import('./nginx.ts')).nginx],
  ['haproxy', async () => (await import('./haproxy.ts')).haproxy],
  ['portkey', async () => (await import('./portkey.ts')).portkey],
  ['litellm', async () => (await import('./litellm.ts')).litellm],
  ['bifrost', async () => (await import('./bifrost.ts')).bifrost],
]

export const TARGET_NAMES: readonly string[] = KNOWN.map(([name]) => name)

/** Undefined when no known target is called that. */
export async function knownTarget(name: string): Promise<Target | undefined> {
  return KNOWN.find(([known]) => known === name)?.[1]()
}

export function knownTargets(): Promise<Target[]> {
  return Promise.all(KNOWN.map(([, load]) => load()))
}
