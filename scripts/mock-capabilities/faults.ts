import type { Capability } from './row.ts'

/** What may go wrong. */
export const FAULTS: readonly Capability[] = [
  {
    row: 26,
    name: 'A share of requests answered with an error',
    flags: ['--error-rates', '429=10%,503=5%'],
    command: `uniq -c <(sort <(statuses 200))`,
    expected: /^1\d\d 200 \/ [12]?\d 429 \/ 1?\d 503$/,
  },
  {
    row: 27,
    name: 'An error chosen for one request',
    flags: [],
    command: `statuses 1; statuses 1 -H 'x-mock-fault: error=503'`,
    expected: /^200 \/ 503$/,
  },
  {
    row: 28,
    name: '429 with Retry-After',
    flags: ['--error-rate', '100%', '--error-status', '429', '--retry-after', '2s'],
    command: `chat -o /dev/null -w '%{http_code}, retry-after: %header{retry-after}'`,
    expected: /^429, retry-after: 2$/,
  },
  {
    row: 29,
    name: 'A limit that counts requests or tokens',
    flags: ['--requests-per-minute', '2', '--tokens-per-minute', '1000'],
    command: `many 3 -w '%{http_code} requests %header{x-ratelimit-remaining-requests} tokens %header{x-ratelimit-remaining-tokens} retry-after %header{retry-after}\\n'`,
    expected:
      /^200 requests 1 tokens \d+ retry-after \/ 200 requests 0 tokens \d+ retry-after \/ 429 requests 0 tokens \d+ retry-after (?:29|30)$/,
  },
  {
    row: 30,
    name: 'Delay, faults or limits by API key',
    flags: ['--keys', '{"slow":{"latency":"200ms"},"bad":{"errorRate":1}}', '--fail-key', 'dead=401'],
    command: `for key in any slow bad dead; do chat -o /dev/null -w "$key %{http_code} %header{x-mock-delay}\\n" -H "authorization: Bearer $key"; done`,
    expected:
      /^any 200 planned=0;actual=\d+ \/ slow 200 planned=200000;actual=\d+ \/ bad 500 planned=0;actual=\d+ \/ dead 401$/,
  },
  {
    row: 31,
    name: 'Connection broken before an answer',
    flags: ['--reset-rate', '100%'],
    command: `chat -w '%{errormsg}'`,
    expected: /^Recv failure: Connection reset by peer$/,
  },
  {
    row: 32,
    name: 'New connections refused, or a share reset',
    flags: [],
    command: `change '{"scenario":[{"at":0,"set":{"refuseConnections":true}},{"at":"1s","set":{"refuseConnections":false}}]}'; sleep 0.2; chat -w '%{errormsg}\\n'; sleep 1; statuses 1; change '{"refuseRate":1}'; chat -w '%{errormsg}'`,
    expected: /^Failed to connect to .* \/ 200 \/ (?:Recv failure: Connection reset|Failed to connect) /,
  },
  {
    row: 33,
    name: 'No answer',
    flags: ['--hang-rate', '100%'],
    command: `chat -m 1 -w '%{errormsg}'`,
    expected: /^Operation timed out after 1\d{3} milliseconds with 0 bytes received$/,
  },
  {
    row: 34,
    name: 'A stream cut off',
    flags: ['--tokens', '10', '--cut-rate', '100%'],
    command: `grep -c '"content":"t' <(stream); stream -o /dev/null -w '%{errormsg}'`,
    expected: /^5 \/ transfer closed with outstanding read data remaining$/,
  },
  {
    row: 35,
    name: 'Silence in mid-stream, then the rest',
    flags: ['--tokens', '10', '--stall-rate', '100%', '--stall', '1s'],
    command: `stream -o /dev/null -w 'first byte after %{time_starttransfer} s, all after %{time_total} s\\n'; grep -c '"content":"t' <(stream)`,
    expected: /^first byte after 0\.\d+ s, all after 1\.\d+ s \/ 10$/,
  },
  {
    row: 36,
    name: 'Headers that come slowly',
    flags: ['--slow-headers-rate', '100%', '--slow-headers', '1s'],
    command: `chat -o /dev/null -w '%{http_code}; first byte after %{time_starttransfer} s, all after %{time_total} s'`,
    expected: /^200; first byte after 0\.\d+ s, all after 1\.\d+ s$/,
  },
  {
    row: 37,
    name: 'JSON that does not parse',
    flags: ['--garble-rate', '100%'],
    command: `node -p 'try { JSON.parse(fs.readFileSync(0, "utf8")) } catch ({ message }) { message }' < <(chat)`,
    expected: /in JSON at position \d+/,
  },
  {
    row: 38,
    name: 'Half of a body, under a content-length that is right',
    flags: ['--truncate-rate', '100%'],
    command: `chat -o /dev/null -w '%{http_code}; content-length %header{content-length}; got %{size_download} bytes %{errormsg}\\n'; tail -c 12 <(chat)`,
    expected: /^200; content-length 685; got 685 bytes \/ [^}]+$/,
  },
  {
    row: 39,
    name: 'Connection closed after an answer, unannounced',
    flags: ['--close-rate', '100%'],
    command: `many 2 -w '%{http_code}; connection: %header{connection}; opened %{num_connects}\\n'`,
    expected: /^200; connection: keep-alive; opened 1 \/ 200; connection: keep-alive; opened 1/,
  },
]
