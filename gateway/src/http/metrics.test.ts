import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { mergeSnapshots } from '../core/merge-snapshots.ts'
import { FACTS, uncountedSource } from '../core/snapshot-source.test-data.ts'
import { type SnapshotSource, takeSnapshot } from '../core/snapshot.ts'
import { SEGMENTS } from '../core/stages.ts'
import { renderMetrics } from './metrics.ts'

interface Line {
  name: string
  labels: Record<string, string>
  value: number
}

/** Prometheus text format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
function parse(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] =
        /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line) ?? []
      assert.ok(name !== undefined, `not a line of the format: ${line}`)
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/gs)].map(([, label, escaped]) => [
        label!,
        escaped!.replace(/\\(["\\n])/g, (_match, character: string) => (character === 'n' ? '\n' : character)),
      ])
      return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }
    })
}

const textOf = (source: SnapshotSource): Promise<string> => renderMetrics(takeSnapshot(source, FACTS))

function assertLines(text: string, expected: readonly string[]): void {
  const lines = text.split('\n')
  for (const line of expected) assert.ok(lines.includes(line), `${line}\nis not in\n${text}`)
}

describe('/metrics', () => {
  test('has what requests counted, by path, provider and model', async () => {
    const source = uncountedSource()
    const { unlabelled } = source.traffic
    unlabelled.finished('chat_completion', 200, 1.5e9, 1.4999e9)
    unlabelled.finished('embedding', 429, 2e6, 0)
    const route = unlabelled.route('openai', 'm')
    route.upstreamRequests = 4
    route.successes = 1
    route.inputTokens = 3
    route.outputTokens = 5
    route.failed(429)
    route.upstreamLatencyS.observe(1.5)
    route.retried(2)
    route.keyRotated('k1', 'rate_limited')
    assertLines(await textOf(source), [
      '# TYPE gateway_http_requests_total counter',
      'gateway_http_requests_total{path="/v1/chat/completions",method="POST",type="chat_completion",status="200"} 1',
      'gateway_http_requests_total{path="/v1/embeddings",method="POST",type="embedding",status="429"} 1',
      '# TYPE gateway_http_request_duration_seconds histogram',
      'gateway_http_request_duration_seconds_sum{path="/v1/embeddings",method="POST",type="embedding"} 0.002',
      'gateway_overhead_latency_microseconds_bucket{le="50",type="chat_completion"} 0',
      'gateway_overhead_latency_microseconds_bucket{le="100",type="chat_completion"} 1',
      'gateway_upstream_requests_total{provider="openai",model="m"} 4',
      'gateway_success_requests_total{provider="openai",model="m"} 1',
      'gateway_error_requests_total{provider="openai",model="m",status="429"} 1',
      'gateway_upstream_latency_seconds_bucket{le="1",provider="openai",model="m"} 0',
      'gateway_upstream_latency_seconds_bucket{le="2.5",provider="openai",model="m"} 1',
      'gateway_upstream_latency_seconds_count{provider="openai",model="m"} 1',
      'gateway_input_tokens_total{provider="openai",model="m"} 3',
      'gateway_output_tokens_total{provider="openai",model="m"} 5',
      'gateway_request_retries_bucket{le="1",provider="openai",model="m"} 0',
      'gateway_request_retries_bucket{le="2",provider="openai",model="m"} 1',
      'gateway_request_retries_sum{provider="openai",model="m"} 2',
      'gateway_key_rotation_events_total{provider="openai",model="m",key_name="k1",reason="rate_limited"} 1',
    ])
  })

  test('has what goes on now: queue, connections, deadlines, bodies', async () => {
    assertLines(await textOf(uncountedSource()), [
      '# TYPE gateway_queue_buffered gauge',
      'gateway_queue_active_workers{provider="openai"} 1',
      'gateway_queue_buffered{provider="openai"} 2',
      'gateway_queue_waiting_for_room{provider="openai"} 3',
      'gateway_upstream_connections{provider="openai",state="idle"} 5',
      'gateway_upstream_connections{provider="openai",state="in_use"} 4',
      'gateway_upstream_connection_waiters{provider="openai"} 6',
      'gateway_upstream_connections_opened_total{provider="openai"} 11',
      'gateway_deadlines_pending{provider="openai"} 7',
      'gateway_active_requests 8',
      'gateway_request_contexts 20',
      'gateway_waiting_body_bytes 4096',
      'gateway_workers 1',
      'process_resident_memory_bytes 64000000',
      'process_cpu_seconds_total 1.5',
      'process_open_fds 30',
      'gateway_event_loop_seconds_total{state="active"} 1',
    ])
  })

  test('has the stages of requests and of streams, and goes on counting after a reset', async () => {
    const source = uncountedSource()
    source.histograms.record(new Float64Array(SEGMENTS.length).fill(2e6))
    source.histograms.recordStream('first_token', 2e8)
    source.histograms.reset()
    source.histograms.recordStream('between_tokens', 5e7)
    assertLines(await textOf(source), [
      'gateway_stage_seconds_bucket{le="0.001",stage="http_request"} 0',
      'gateway_stage_seconds_bucket{le="0.005",stage="http_request"} 1',
      'gateway_stage_seconds_bucket{le="+Inf",stage="http_request"} 1',
      'gateway_stage_seconds_count{stage="retry_backoff"} 1',
      'gateway_stage_seconds_sum{stage="first_token"} 0.2',
      'gateway_stage_seconds_count{stage="between_tokens"} 1',
    ])
  })

  test('a stream has the times of its tokens; a model that only answers whole has no series of them', async () => {
    const source = uncountedSource()
    source.traffic.unlabelled.route('openai', 'whole').upstreamLatencyS.observe(1)
    const route = source.traffic.unlabelled.route('openai', 'm')
    route.firstTokenS.observe(0.3)
    for (const s of [0.02, 0.03]) route.betweenTokensS.observe(s)
    const text = await textOf(source)
    assertLines(text, [
      'gateway_stream_first_token_latency_seconds_count{provider="openai",model="m"} 1',
      'gateway_stream_inter_token_latency_seconds_bucket{le="0.025",provider="openai",model="m"} 1',
      'gateway_stream_inter_token_latency_seconds_sum{provider="openai",model="m"} 0.05',
    ])
    const streamed = parse(text).filter(({ name }) => name.startsWith('gateway_stream_'))
    assert.deepEqual([...new Set(streamed.map(({ labels }) => labels.model))], ['m'])
  })

  test('configured labels are on every series of a request, left out where a request has no value', async () => {
    const source = uncountedSource(['team-id', 'service'])
    const blue = source.traffic.labelSet(['blue', ''])
    blue.finished('chat_completion', 200, 1e9, 1e9)
    blue.route('openai', 'm').failed(500)
    source.traffic.labelSet(['red', 'chat']).finished('chat_completion', 200, 1e9, 1e9)
    const own = 'path="/v1/chat/completions",method="POST",type="chat_completion"'
    const text = await textOf(source)
    assertLines(text, [
      `gateway_http_requests_total{${own},status="200",team_id="blue"} 1`,
      `gateway_http_requests_total{${own},status="200",service="chat",team_id="red"} 1`,
      `gateway_http_request_duration_seconds_count{${own},team_id="blue"} 1`,
      'gateway_error_requests_total{provider="openai",model="m",status="500",team_id="blue"} 1',
      'gateway_request_retries_count{provider="openai",model="m",team_id="blue"} 0',
    ])
    for (const { name, labels } of parse(text)) {
      if (labels.model !== undefined || labels.path !== undefined) assert.ok(labels.team_id, name)
    }
  })

  test('the request log has its counters, and none where there is no log', async () => {
    const source = uncountedSource()
    assert.ok(!(await textOf(source)).includes('request_log'))
    const counters = { written: 5, dropped: 4, waiting: 3, failures: 2, batches: 1 }
    assertLines(await textOf({ ...source, requestLog: { counters } }), [
      'gateway_request_log_rows_total{outcome="written"} 5',
      'gateway_request_log_rows_total{outcome="dropped"} 4',
      'gateway_request_log_waiting 3',
      'gateway_request_log_failures_total 2',
      'gateway_request_log_batches_total 1',
    ])
  })

  test('workers are shown together', async () => {
    const [a, b] = [uncountedSource(), uncountedSource()]
    a.traffic.unlabelled.finished('chat_completion', 200, 1e9, 1e9)
    b.traffic.unlabelled.finished('chat_completion', 200, 1e9, 1e9)
    assertLines(await renderMetrics(mergeSnapshots([takeSnapshot(a, FACTS), takeSnapshot(b, FACTS)])), [
      'gateway_http_requests_total{path="/v1/chat/completions",method="POST",type="chat_completion",status="200"} 2',
      'gateway_active_requests 16',
      'gateway_workers 2',
      'process_cpu_seconds_total 3',
    ])
  })

  test('quotes, backslashes and newlines in a model or a label are escaped', async () => {
    const source = uncountedSource(['team'])
    source.traffic.labelSet(['a\\b']).route('openai', 'say "hi"\nfake_metric 1').successes++
    assertLines(await textOf(source), [
      'gateway_success_requests_total{provider="openai",model="say \\"hi\\"\\nfake_metric 1",team="a\\\\b"} 1',
    ])
  })

  test('property: whatever callers send, every line parses, no series is there twice, and histograms add up', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, text), { maxLength: 10 }), async (pairs) => {
        const source = uncountedSource(['team'])
        for (const [team, model] of pairs) {
          const labels = source.traffic.labelSet([team])
          labels.finished('chat_completion_stream', 200, 2e9, 1e9)
          labels.route('openai', model).firstTokenS.observe(0.1)
        }
        // What reaches a scraper is UTF-8.
        const lines = parse(Buffer.from(await textOf(source)).toString())
        const series = lines.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]))
        assert.equal(new Set(series).size, series.length)
        const first = lines.filter(({ name }) => name === 'gateway_stream_first_token_latency_seconds_count')
        assert.equal(
          first.reduce((sum, { value }) => sum + value, 0),
          pairs.length,
        )
        const models = new Set(first.map(({ labels }) => labels.model))
        assert.deepEqual(models, new Set(pairs.map(([, model]) => model.slice(0, 128).toWellFormed())))
        const counts = new Map(lines.map(({ name, labels, value }) => [`${name} ${JSON.stringify(labels)}`, value]))
        for (const { name, labels, value } of lines) {
          const { le, ...rest } = labels
          const count = counts.get(`${name.replace(/_bucket$/, '_count')} ${JSON.stringify(rest)}`)
          if (le === '+Inf') assert.equal(count, value, name)
        }
      }),
      { numRuns: 30 },
    )
  })
})
