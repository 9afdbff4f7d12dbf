/** What a built-in gateway says of itself in `GET /metrics`, where it is about now and not about the past. */
export interface GatewayState {
  /** Requests that workers of the queue are busy with. */
  active: number
  buffered: number
  waitingForRoom: number
  upstreamIdle: number
  upstreamInUse: number
  upstreamWaiters: number
  deadlinesPending: number
  contextsInUse: number
  contextsTotal: number
  waitingBodyBytes: number
  residentBytes: number
}

const SERIES: Record<keyof GatewayState, string> = {
  active: 'gateway_queue_active_workers',
  buffered: 'gateway_queue_buffered',
  waitingForRoom: 'gateway_queue_waiting_for_room',
  upstreamIdle: 'gateway_upstream_connections{state="idle"}',
  upstreamInUse: 'gateway_upstream_connections{state="in_use"}',
  upstreamWaiters: 'gateway_upstream_connection_waiters',
  deadlinesPending: 'gateway_deadlines_pending',
  contextsInUse: 'gateway_active_requests',
  contextsTotal: 'gateway_request_contexts',
  waitingBodyBytes: 'gateway_waiting_body_bytes',
  residentBytes: 'process_resident_memory_bytes',
}

/** @throws when a series is not there: a figure that nobody reported must not pass for 0 */
export async function readGatewayState(url: string): Promise<GatewayState> {
  const response = await fetch(`${url}/metrics`)
  const text = await response.text()
  if (!response.ok) throw new Error(`${url}/metrics: status ${response.status}`)
  const values = Object.entries(SERIES).map(([name, series]) => [name, sumOf(text, series)])
  return Object.fromEntries(values) as Record<keyof GatewayState, number>
}

/** Over all providers. */
function sumOf(text: string, series: string): number {
  const [name, label = ''] = series.split(/[{}]/)
  const values = text
    .split('\n')
    .filter((line) => line.startsWith(name!) && /^[{ ]/.test(line.slice(name!.length)) && line.includes(label))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)))
  if (values.length === 0) throw new Error(`/metrics has no ${series}`)
  return values.reduce((sum, value) => sum + value, 0)
}
