/**
 * The stages of the gateway's own work: their names are a contract with every consumer of `Server-Timing`,
 * `/metrics`, `/debug/stages` and `result.json`. Extend the lists; never rename an entry.
 */

/** The ten published stages, in the order in which a request passes them. */
export const STAGES = [
  { name: 'queue_wait', title: 'Queue Wait Time', covers: "entered the provider's queue to a worker taking it" },
  { name: 'key_selection', title: 'Key Selection Time', covers: 'filter by model, weighted pick' },
  { name: 'message_formatting', title: 'Message Formatting', covers: "messages to the provider's shape" },
  {
    name: 'params_preparation',
    title: 'Params Preparation',
    covers: "sampling and other parameters to the provider's names",
  },
  {
    name: 'request_body_preparation',
    title: 'Request Body Preparation',
    covers: "assembling the provider's request object",
  },
  { name: 'json_marshaling', title: 'JSON Marshaling', covers: 'that object to JSON text' },
  { name: 'request_setup', title: 'Request Setup', covers: 'URL, headers, taking a connection' },
  { name: 'http_request', title: 'HTTP Request', covers: 'first byte written to last byte read' },
  { name: 'response_parsing', title: 'Response Parsing', covers: 'bytes to object, usage, extra fields' },
  {
    name: 'error_handling',
    title: 'Error Handling',
    covers: 'mapping of status and error body (near zero on success)',
  },
] as const

/**
 * Work of the gateway outside the ten published stages. The published tables leave it out; the ledger must not,
 * or its rows would not sum to what the caller waited.
 */
export const EDGE_SEGMENTS = [
  {
    name: 'request_reading',
    title: 'Request Reading',
    covers: "request headers seen to body read, parsed, checked and routed to a provider's queue",
  },
  {
    name: 'response_sending',
    title: 'Response Sending',
    covers: 'answer in hand to its head and body composed and handed to the socket',
  },
  {
    name: 'retry_backoff',
    title: 'Retry Backoff',
    covers: 'waiting before a further try; zero without retries',
  },
] as const

/**
 * Of streamed answers alone, and inside the segments above, so not rows of their own in a sum: most of either is the
 * provider's time. Each stream has one first token and many times between; an event of the stream counts as a token.
 */
export const STREAM_STAGES = [
  { name: 'first_token', title: 'First Token', covers: 'request headers seen to the first event handed to the caller' },
  {
    name: 'between_tokens',
    title: 'Between Tokens',
    covers: 'events handed to the caller to the next ones handed over',
  },
] as const

export type StageName = (typeof STAGES)[number]['name']
export type StreamStageName = (typeof STREAM_STAGES)[number]['name']
export type EdgeSegmentName = (typeof EDGE_SEGMENTS)[number]['name']

/** Everything the gateway times: the ten stages, then the edge segments. An index into this is a slot of a StageClock. */
export const SEGMENTS = [...STAGES, ...EDGE_SEGMENTS] as const
export type SegmentName = StageName | EdgeSegmentName

/** `published` overhead leaves these stages out; the definition behind the 11 us and 59 us in circulation. */
export const OUTSIDE_PUBLISHED_OVERHEAD: readonly StageName[] = ['json_marshaling', 'response_parsing', 'http_request']

/**
 * The built-in gateway's `Server-Timing` answer to a chat completion or `GET /health` that carries `x-bench-timing: 1`: one
 * `<segment>;dur=<ms>` per segment in the order of SEGMENTS, then `total;dur=<ms>`, the time from the request's
 * headers being seen to this header being composed. Durations are in ms with six decimals (ns).
 */
export const TIMING_REQUEST_HEADER = 'x-bench-timing'
export const TIMING_TOTAL = 'total'
