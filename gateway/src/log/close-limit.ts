/** How long a log may take to write what waits, unless it is told otherwise. */
export const CLOSE_LIMIT_MS = 5_000

/** Waits for `done`, but no longer than `limitMs`. Rejects when `done` does within that time. */
export async function settledWithin(done: Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs)
  })
  try {
    await Promise.race([done, limit])
  } finally {
    clearTimeout(timer)
  }
}
