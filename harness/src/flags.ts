import type { RunConfig } from './config.ts'
import {
  duration,
  number,
  set,
  setBody,
  setGatewayConfig,
  setHeader,
  setMockUrl,
  setTarget,
  size,
  text,
  type Setter,
} from './flag-setters.ts'

/** One flag of a command that loads a target: how it is shown, and how its text becomes a setting. */
export interface Flag<C extends RunConfig = RunConfig> {
  /** Without its dashes. */
  name: string
  /** What stands for its value in the help; absent for a flag that takes none. */
  argument?: string
  /** A value that is right. */
  example: string
  help: string
  /** Heading that it stands under in the help. */
  group: 'Load' | 'Target' | 'Comparison' | 'Built-in gateway' | 'Output'
  repeatable?: boolean
  /** Shows its setting, for "default: ..." in the help; absent where there is nothing to show. */
  show?: (config: Readonly<C>) => string
  set: Setter<C>
}

const seconds = (ms: number) => `${ms / 1000}s`
const inMs = (ms: number) => (ms >= 10_000 && ms % 1000 === 0 ? seconds(ms) : `${ms}ms`)

/** Every flag of `bench run`. The parser, the help and the messages are made from this list. */
export const FLAGS: readonly Flag[] = [
  {
    name: 'rate',
    argument: 'per-second',
    example: '5000',
    group: 'Load',
    help: 'requests per second, open loop',
    show: (c) => String(c.ratePerSec),
    set: number({ above: 0, max: 1_000_000 }, (c, v) => (c.ratePerSec = v)),
  },
  {
    name: 'duration',
    argument: 'time',
    example: '60',
    group: 'Load',
    help: 'measured window; a bare number is seconds',
    show: (c) => seconds(c.durationMs),
    set: duration('s', { above: 0 }, (c, v) => (c.durationMs = v)),
  },
  {
    name: 'warmup',
    argument: 'time',
    example: '5',
    group: 'Load',
    help: 'load at the full rate before the window, in no statistic; a bare number is seconds, 0 for none',
    show: (c) => seconds(c.warmupMs),
    set: duration('s', { min: 0 }, (c, v) => (c.warmupMs = v)),
  },
  {
    name: 'latency',
    argument: 'time',
    example: '1500ms',
    group: 'Load',
    help: "the mock provider's delay; a bare number is ms",
    show: (c) => inMs(c.mockLatencyMs),
    set: duration('ms', { min: 0 }, (c, v) => (c.mockLatencyMs = v)),
  },
  {
    name: 'jitter',
    argument: 'time',
    example: '50ms',
    group: 'Load',
    help: 'uniform spread: each answer takes latency +- jitter; a bare number is ms',
    show: (c) => inMs(c.mockJitterMs),
    set: duration('ms', { min: 0 }, (c, v) => (c.mockJitterMs = v)),
  },
  {
    name: 'response-size',
    argument: 'size',
    example: '1.37KB',
    group: 'Load',
    help: "the mock's whole answer body; a bare number is bytes, KB is 1,000",
    show: (c) => `${c.responseBytes} bytes`,
    set: size((c, v) => (c.responseBytes = v)),
  },
  {
    name: 'request-size',
    argument: 'size',
    example: '130',
    group: 'Load',
    help: 'whole request body; a bare number is bytes',
    show: (c) => `${c.requestBytes} bytes`,
    set: size((c, v) => (c.requestBytes = v)),
  },
  {
    name: 'timeout',
    argument: 'time',
    example: '30s',
    group: 'Load',
    help: 'give up on a request after this long; a bare number is ms, 0 waits for ever',
    show: (c) => inMs(c.timeoutMs),
    set: duration('ms', { min: 0 }, (c, v) => (c.timeoutMs = v)),
  },
  {
    name: 'connections',
    argument: 'n',
    example: '8750',
    group: 'Load',
    help: 'opened before the warm-up, and the bound on requests in flight; 0 derives it from rate and latency',
    show: (c) => String(c.connections),
    set: number({ min: 0, max: 1_000_000, integer: true }, (c, v) => (c.connections = v)),
  },
  {
    name: 'threads',
    argument: 'n',
    example: '2',
    group: 'Load',
    help: 'driver threads',
    show: (c) => String(c.threads),
    set: number({ min: 1, max: 64, integer: true }, (c, v) => (c.threads = v)),
  },
  {
    name: 'probe-rate',
    argument: 'per-second',
    example: '20',
    group: 'Load',
    help: 'probes per second beside the load: straight to the mock, and pings to the built-in gateway; 0 for none',
    show: (c) => String(c.probeRatePerSec),
    set: number({ min: 0, max: 10_000 }, (c, v) => (c.probeRatePerSec = v)),
  },
  {
    name: 'seed',
    argument: 'n',
    example: '1',
    group: 'Load',
    help: 'seed of everything drawn by chance',
    show: (c) => String(c.seed),
    set: number({ min: 0, max: 0xffff_ffff, integer: true }, (c, v) => (c.seed = v)),
  },
  {
    name: 'profile',
    argument: 'name-or-file',
    example: 't3.medium',
    group: 'Target',
    help: 'named set-up (t3.medium, t3.xlarge) or a .json file; the other flags override it',
    show: (c) => c.profile,
    // parseRunConfig reads it before all others, because it changes what they override.
    set: () => undefined,
  },
  {
    name: 'target',
    argument: 'name-or-url-or-file',
    example: 'http://127.0.0.1:8080',
    group: 'Target',
    help: 'a gateway that "bench targets" lists, direct (no gateway: the mock itself), the base URL of a running gateway, or a target file (.json)',
    show: (c) => c.target,
    set: setTarget,
  },
  {
    name: 'mock-url',
    argument: 'url',
    example: 'http://127.0.0.1:8001',
    group: 'Target',
    help: 'a mock that runs already ("bench mock"): none is started, probes go there; give it with a target URL to have a floor',
    set: setMockUrl,
  },
  {
    name: 'model',
    argument: 'name',
    example: 'openai/gpt-4o-mini',
    group: 'Target',
    help: 'model of every request',
    show: (c) => c.model,
    set: text((c, v) => (c.model = v)),
  },
  {
    name: 'header',
    argument: 'name: value',
    example: "'authorization: Bearer KEY'",
    group: 'Target',
    help: 'extra request header; may be given several times',
    repeatable: true,
    set: setHeader,
  },
  {
    name: 'body',
    argument: 'json',
    example: `'{"fallbacks":["openai/gpt-4o"]}'`,
    group: 'Target',
    help: 'members of every request body beside model and messages; they count in --request-size',
    set: setBody,
  },
  {
    name: 'concurrency',
    argument: 'n',
    example: '15000',
    group: 'Built-in gateway',
    help: 'requests that it processes at once',
    show: (c) => String(c.gateway.concurrency),
    set: number({ min: 1, max: 1_000_000, integer: true }, (c, v) => (c.gateway.concurrency = v)),
  },
  {
    name: 'buffer-size',
    argument: 'n',
    example: '15000',
    group: 'Built-in gateway',
    help: 'requests that may wait in its queue',
    show: (c) => String(c.gateway.bufferSize),
    set: number({ min: 1, max: 10_000_000, integer: true }, (c, v) => (c.gateway.bufferSize = v)),
  },
  {
    name: 'pool-size',
    argument: 'n',
    example: '10000',
    group: 'Built-in gateway',
    help: 'request contexts that it makes at start',
    show: (c) => String(c.gateway.initialPoolSize),
    set: number({ min: 0, max: 10_000_000, integer: true }, (c, v) => (c.gateway.initialPoolSize = v)),
  },
  {
    name: 'workers',
    argument: 'n',
    example: '2',
    group: 'Built-in gateway',
    help: 'processes that serve; its limits are divided among them',
    show: (c) => String(c.gateway.workers),
    set: number({ min: 1, max: 512, integer: true }, (c, v) => (c.gateway.workers = v)),
  },
  {
    name: 'gateway-config',
    argument: 'file',
    example: 'features.json',
    group: 'Built-in gateway',
    help: 'its config.json, merged over the one that the run writes: members of objects one by one, lists as a whole',
    set: setGatewayConfig,
  },
  {
    name: 'out',
    argument: 'dir',
    example: 'results',
    group: 'Output',
    help: "folder that the run's own folder is made in",
    show: (c) => c.outDir,
    set: text((c, v) => (c.outDir = v)),
  },
  {
    name: 'json',
    example: '',
    group: 'Output',
    help: 'print result.json instead of the summary',
    set: set((c) => (c.json = true)),
  },
  {
    name: 'quiet',
    example: '',
    group: 'Output',
    help: 'print nothing but errors',
    set: set((c) => (c.quiet = true)),
  },
]
