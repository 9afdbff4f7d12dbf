import type { Capability } from './row.ts'

/** Of stamps t<k>:<ns>+<planned us>: how late each chunk was after the first one, and the last one's two times. */
const LATENESS =
  '{ w = ($2 - s) / 1e3 } NR == 1 { s = $2; w = 0 } w - $3 > l { l = w - $3 } END { print NR " chunks; the latest " l " us late; the last planned after " $3 " us, written after " w " us" }'

/** How long answers take, and how large they are. */
export const DELAYS_AND_SIZES: readonly Capability[] = [
  {
    row: 14,
    name: 'One fixed delay',
    flags: ['--latency', '200ms'],
    command: `chat -o /dev/null -w '%{time_total} s; %header{x-mock-delay}'`,
    expected: /^0\.[2-9]\d+ s; planned=200000;actual=\d{6}$/,
  },
  {
    row: 15,
    name: 'Uniform jitter',
    flags: ['--latency', '100ms', '--jitter', '50ms'],
    command: 'delays 3',
    expected: /^(?:planned=(?:[5-9]\d|1[0-4]\d)\d{3};actual=\d+(?: \/ |$)){3}$/,
  },
  {
    row: 16,
    name: 'A distribution',
    flags: ['--latency', 'lognormal:1ms:0.5'],
    command: `sed -n '50p;90p;99p' <(sort -V <(delays 100))`,
    // Quantiles of the distribution itself: 1, 1.90 and 3.20 ms.
    expected: /^planned=(?:9|1[01])\d{2,3};.* planned=(?:1[5-9]|2[0-3])\d\d;.* planned=(?:2[4-9]|3\d|4[0-4])\d\d;/,
  },
  {
    row: 17,
    name: 'First token and gaps set apart',
    flags: ['--first-token', '200ms', '--token-interval', '20ms', '--tokens', '6'],
    command: `stream -o /dev/null -w 'first byte after %{time_starttransfer} s, all after %{time_total} s'`,
    expected: /^first byte after 0\.2\d+ s, all after 0\.[3-5]\d+ s$/,
  },
  {
    row: 18,
    name: 'Chunks at absolute due times',
    flags: ['--token-interval', '10ms', '--tokens', '100'],
    command: `awk -F '[:+]' '${LATENESS}' <(grep -o 't[0-9]*:[0-9]*+[0-9]*' <(stream))`,
    // Gaps that each wait anew are late by the sum of 99 timers.
    expected: /^100 chunks; .* planned after 990000 us, written after (?:9[89]|10[0-3])\d{4}(?:\.\d+)? us$/,
  },
  {
    row: 19,
    name: "By the prompt's size",
    flags: ['--latency-per-prompt-token', '1ms'],
    command: `delays 1; curl -s -o /dev/null -w '%header{x-mock-delay}' $M/v1/chat/completions --json "\${J/hi/$(printf 'x%.0s' {1..402})}"`,
    expected: /^planned=15000;actual=\d+ \/ planned=115000;actual=\d+$/,
  },
  {
    row: 20,
    name: 'By load: concurrency or a queue',
    flags: ['--latency', '100ms', '--servers', '1'],
    command: `sort -V <(delays 3 -Z --parallel-immediate 2> /dev/null)`,
    expected: /^planned=100000;\S+ \/ planned=(?:1\d|20)\d{4};\S+ \/ planned=(?:2\d|30)\d{4};\S+$/,
  },
  {
    row: 21,
    name: 'Delays that step, ramp or spike by the clock',
    flags: ['--latency', '100ms'],
    command: `change '{"latencyOverTime":"step:2s:3"}'; delays 1; sleep 2; delays 1`,
    expected: /^planned=100000;\S+ \/ planned=300000;\S+$/,
  },
  {
    row: 22,
    name: 'Recorded delays, played back',
    flags: [],
    command: `change '{"latency":{"trace":["30ms","10ms","20ms"]}}'; delays 4`,
    expected: /^planned=30000;\S+ \/ planned=10000;\S+ \/ planned=20000;\S+ \/ planned=30000;\S+$/,
  },
  {
    row: 23,
    name: 'A body of exactly so many bytes',
    flags: ['--response-size', '10.32KB'],
    command: `chat -o /dev/null -w '%{size_download}'`,
    expected: /^10320$/,
  },
  {
    row: 24,
    name: 'Exactly so many output tokens',
    flags: ['--response-size', 'tokens', '--tokens', '50'],
    command: `grep -o '"completion_tokens":[0-9]*' <(chat); grep -c '"content":"t' <(stream)`,
    expected: /^"completion_tokens":50 \/ 50$/,
  },
  {
    row: 25,
    name: 'A size, or a count of tokens, that is drawn',
    flags: ['--response-size', 'uniform:1KB:2KB', '--tokens', 'normal:50:10'],
    command: `for i in 1 2 3; do chat -o /dev/null -w '%{size_download} bytes\\n'; grep -c '"content":"t' <(stream); done`,
    expected: /^(?:(?:1\d{3}|2000) bytes \/ \d\d(?: \/ |$)){3}$/,
  },
]
