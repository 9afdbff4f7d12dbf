/**
 * What the `data` fields of one server-sent event carry, joined as the standard says; undefined when it has none: a
 * comment, a bare `event:` or `retry:`. All three line ends count.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function eventData(event: string): string | undefined {
  let data: string | undefined
  // Carriage returns are rare, and splitting at a text is the cheaper way.
  for (const line of event.includes('\r') ? event.split(/\r\n|\n|\r/) : event.split('\n')) {
    if (line !== 'data' && !line.startsWith('data:')) continue
    const value = line.charAt(5) === ' ' ? line.slice(6) : line.slice(5)
    data = data === undefined ? value : `${data}\n${value}`
  }
  return data
}

/** The JSON object that an event's data holds, its texts decoded. @throws SyntaxError when it holds none */
export function eventObject(data: string): Record<string, unknown> {
  return asObject(JSON.parse(Buffer.from(data, 'latin1').toString()), 'the event')
}

/** @throws SyntaxError naming `what` when the value is anything but a JSON object */
export function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SyntaxError(`${what} is not a JSON object`)
  }
  return value as Record<string, unknown>
}
