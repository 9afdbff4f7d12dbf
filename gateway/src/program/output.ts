/** A line for people on stderr; stdout carries the listening line alone. */
export function say(message: string): void {
  process.stderr.write(`gateway: ${message}\n`)
}

export function warn(message: string): void {
  say(`warning: ${message}`)
}

/** The one line on stdout: from now on the gateway serves. */
export function announce(url: string): void {
  process.stdout.write(`${JSON.stringify({ event: 'listening', url })}\n`)
}

export function sayCut(requests: number, limitMs: number): void {
  say(`${requests} ${requests === 1 ? 'request was' : 'requests were'} cut at the drain limit of ${limitMs / 1_000} s`)
}
