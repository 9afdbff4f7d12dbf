import type { Capability } from './row.ts'

const EXPECTED_REQUEST =
  '{"path":"/v1/chat/completions","headers":{"x-team":"red"},"body":{"model":"m","messages":[{"role":"user","content":"hi"}]}}'

/** How the mock is run, and what it tells. */
export const OPERATION: readonly Capability[] = [
  {
    row: 41,
    name: 'Control at run time',
    flags: [],
    command: `change '{"latency":"100ms"}'; delays 1; curl -s $M/admin/config --json '{"latency":"fast","seed":-1}'`,
    expected: /^planned=100000;actual=\d+ \/ \{"problems":\["latency: .*","seed: .*"\]\}$/,
  },
  {
    row: 42,
    name: 'Scenarios over time',
    flags: [],
    command: `change '{"scenario":[{"at":"1s","set":{"errorRate":1,"errorStatus":503}},{"at":"2s","set":{"errorRate":0}}]}'; statuses 1; sleep 1.4; statuses 1; sleep 1; statuses 1`,
    expected: /^200 \/ 503 \/ 200$/,
  },
  {
    row: 43,
    name: 'Planned delay, in the answer',
    flags: ['--latency', 'uniform:100ms:200ms'],
    command: `grep -o '"id":"[^"]*"' <(chat)`,
    expected: /^"id":"chatcmpl-1-1\d{5}-\d+"$/,
  },
  {
    row: 44,
    name: 'Actual delay, in the answer',
    flags: ['--latency', '100ms'],
    command: 'delays 2',
    expected: /^planned=100000;actual=1\d{5} \/ planned=100000;actual=1\d{5}$/,
  },
  {
    row: 45,
    name: 'Actual delay, in metrics',
    flags: ['--latency', '100ms'],
    command: `delays 2; grep 'seconds_[sc]' <(curl -s $M/metrics)`,
    expected: /mock_delay_error_seconds_sum 0\.\d+ \/ mock_delay_error_seconds_count 2$/,
  },
  {
    row: 46,
    name: "Histogram of the delay's error, given less planned",
    flags: ['--latency', '10ms'],
    command: `many 50; grep -e 'le="0.0003"' -e 'le="0.001"' -e 'le="0.01"' -e 'le="+Inf"' <(curl -s $M/metrics)`,
    expected: /le="0\.001"\} \d+ .*le="\+Inf"\} 50$/,
  },
  {
    row: 47,
    name: 'Metrics (Prometheus, OpenTelemetry)',
    flags: ['--error-rate', '10%'],
    command: `many 50 -H 'authorization: Bearer sk-team-red'; grep -e '^mock_r' -e '^mock_in' -e '^mock_hang' <(curl -s $M/metrics)`,
    expected:
      /^mock_requests_total\{key="\*{4}-red",status="200"\} 4\d \/ .*status="500"\} \d \/ mock_in_flight 0 \/ mock_hanging 0$/,
  },
  {
    row: 48,
    name: 'When a chunk was written, in the chunk',
    flags: ['--token-interval', '10ms', '--tokens', '3'],
    command: `grep -o '"content":"t[^"]*"' <(stream)`,
    expected: /^"content":"t0:\d+\+0 " \/ "content":"t1:\d+\+10000 " \/ "content":"t2:\d+\+20000 "$/,
  },
  {
    row: 49,
    name: 'Verifies requests',
    flags: ['--strict', `{"refuse":true,"requests":[${EXPECTED_REQUEST}]}`],
    command: `statuses 1 -H 'x-team: red'; grep -o 'strict: .*nothing' <(chat); grep -o '"checked":2,"wrong":1' <(curl -s $M/admin/strict)`,
    expected: /^200 \/ strict: lost_header headers\.x-team: .* \/ "checked":2,"wrong":1$/,
  },
  {
    row: 50,
    name: 'Shares of API keys checked',
    flags: ['--strict', '{"keyShares":{"key-a":0.7,"key-b":0.3}}'],
    command: `for key in key-a key-b; do many 100 -H "authorization: Bearer $key"; done; grep -o '"keyShares":.*' <(curl -s $M/admin/strict)`,
    expected: /"seen":100,"seenShare":0\.5,"plausible":false\},\{.*"seen":100,"seenShare":0\.5,"plausible":false\}\]/,
  },
  {
    row: 51,
    name: 'Several processes',
    flags: ['--workers', '2', '--requests-per-minute', '1'],
    command: `for i in 1 2 3; do statuses 1; done; grep '^mock_requests_total' <(curl -s $M/metrics)`,
    // Each process has a limit of its own, and connections go to them in turn.
    expected: /^200 \/ 200 \/ 429 \/ mock_requests_total\{key="none",status="200"\} 2 \/ .*status="429"\} 1$/,
  },
  {
    row: 52,
    name: 'A seed, or nothing random',
    flags: ['--latency', 'uniform:1ms:9ms'],
    command: `for seed in 7 7 8; do change '{"seed":'$seed'}'; grep -o 'planned=[0-9]*' <(delays 1); done`,
    expected: /^(planned=\d+) \/ \1 \/ (?!\1$)planned=\d+$/,
  },
]
