import { builtin } from './builtin.ts'
import { direct } from './direct.ts'
import type { Target } from './target.ts'
import { urlTarget } from './url.ts'

/** The target that a run's `target` setting means: a known name, or a URL. */
export function findTarget(target: string): Target {
  return [builtin, direct].find(({ name }) => name === target) ?? urlTarget(target)
}
