import { isTargetFile } from './address.ts'
import { knownTarget } from './known.ts'
import type { Target } from './target.ts'

/**
 * The target that a run's `target` setting means: a known name, a target file, or a URL.
 *
 * @throws {UsageError} with every problem of a target file.
 */
export async function findTarget(target: string): Promise<Target> {
  if (isTargetFile(target)) return (await import('./target-file.ts')).targetFromFile(target)
  return (await knownTarget(target)) ?? (await import('./url.ts')).urlTarget(target)
}
