import { UsageError } from '../errors.ts'

/** As Promise.all, but waits for all, and throws one UsageError with the problems of every one that threw one. */
export async function together<T extends readonly unknown[] | []>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const problems: string[] = []
  for (const outcome of await Promise.allSettled(work)) {
    if (outcome.status === 'fulfilled') continue
    if (!(outcome.reason instanceof UsageError)) throw outcome.reason
    problems.push(...outcome.reason.problems)
  }
  if (problems.length > 0) throw new UsageError(problems)
  return Promise.all(work)
}
