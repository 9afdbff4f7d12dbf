import { TargetError } from './errors.ts'
import type { RequestTemplate } from './plan.ts'
import { parseServerTiming } from './transport/server-timing.ts'

const TRIES = 3
/** Enough of an error's body to tell what it is about. */
const SHOWN_CHARS = 300

/**
 * One request through the target before any load: a wrong key or model would otherwise show after a minute, as a run in
 * which everything failed. A gateway that fails now and then passes. `timed`: the answer carried the whole account of
 * our gateway's stages.
 *
 * @throws TargetError with the target's own words.
 */
export async function preflight(
  url: string,
  request: RequestTemplate,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ timed: boolean }> {
  let problem = ''
  for (let attempt = 0; attempt < TRIES; attempt++) {
    signal.throwIfAborted()
    try {
      const response = await fetch(url + request.path, {
        method: request.method,
        headers: request.headers,
        body: request.body,
        // A redirect answers every request of the run, too.
        redirect: 'manual',
        // It takes whole ms only.
        signal: AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(timeoutMs))]),
      })
      const body = await response.text()
      const isAnswer = request.answerHolds === undefined || body.includes(request.answerHolds)
      if (response.ok && isAnswer) {
        return { timed: parseServerTiming(response.headers.get('server-timing') ?? '') !== undefined }
      }
      const what = response.ok ? `${response.status} without a completion` : String(response.status)
      problem = `answered ${what}: ${body.slice(0, SHOWN_CHARS)}`
    } catch (error) {
      signal.throwIfAborted()
      problem = `did not answer: ${reasonOf(error)}`
    }
  }
  throw new TargetError(`${url}: a request before the run ${problem}`)
}

/** fetch says no more than "fetch failed"; the reason is its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error.cause instanceof Error)) return error.message
  // Of a name with several addresses the cause has no words, only a code.
  const { message, name, code = name } = error.cause as NodeJS.ErrnoException
  return message || code
}
