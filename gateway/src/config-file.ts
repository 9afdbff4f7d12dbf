import { type Static, type TNumberOptions, Type } from 'typebox'

import { DEFAULTS } from './config-defaults.ts'

/** More than this many of anything is a slip of the pen. */
const MAX_COUNT = 10_000_000
/** Node's timers count in 32 bits. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** A body becomes one string, and V8's strings end a little below 2^29 characters. */
const MAX_BODY_MIB = 500

/** A batch is one message and one statement: larger ones only take more memory. */
const MAX_BATCH_ROWS = 10_000
/** Longer, and more rows are lost with the process than anybody can want. */
const MAX_BATCH_INTERVAL_MS = 60_000

const text = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))
const flag = (byDefault: boolean, description: string) =>
  Type.Optional(Type.Boolean({ description, default: byDefault }))
const count = (minimum: number, byDefault: number, description: string, maximum = MAX_COUNT) =>
  Type.Optional(Type.Integer({ minimum, maximum, description, default: byDefault }))
const amount = (description: string, options: TNumberOptions) => Type.Optional(Type.Number({ ...options, description }))
const wholeMs = (byDefault: number, description: string, maximum = MAX_TIMER_MS) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum, description, default: byDefault }))
const texts = (description: string) => Type.Array(Type.String(), { description })
/** Unlike Type.Record with any string as name, this one holds for names with line breaks too. */
const textByName = (minLength: 0 | 1, description: string) =>
  Type.Optional(
    Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.String(minLength === 0 ? {} : { minLength }), {
      description,
    }),
  )

export const CallerKeySchema = Type.Object({
  name: Type.String({ minLength: 1, description: 'who it belongs to; for people, never compared with a request' }),
  value: Type.String({
    description: 'at least 16 printable characters without blanks, or env.NAME for the environment variable NAME',
  }),
})

export const RequestLogSchema = Type.Object({
  store: Type.Enum(['sqlite', 'postgres'], { description: 'where rows go' }),
  path: text('sqlite: the database file, made when missing, or env.NAME'),
  url: text('postgres: postgres://user:password@host:port/database, or env.NAME'),
  mode: Type.Optional(
    Type.Enum(['batched', 'synchronous'], {
      description: 'batched: off the path of requests; synchronous: a row is written before its answer is sent (slow)',
      default: DEFAULTS.requestLog.mode,
    }),
  ),
  batch_size: count(1, DEFAULTS.requestLog.batchSize, 'rows that are written together at most', MAX_BATCH_ROWS),
  batch_interval: wholeMs(
    DEFAULTS.requestLog.batchIntervalMs,
    'ms; rows wait no longer for a full batch',
    MAX_BATCH_INTERVAL_MS,
  ),
  max_waiting: count(
    1,
    DEFAULTS.requestLog.maxWaiting,
    'rows that may wait for a slow database; further ones are dropped and counted',
  ),
})

export const GlobalProperties = {
  initial_pool_size: count(0, DEFAULTS.initialPoolSize, 'request contexts made at start'),
  drop_excess_requests: flag(
    DEFAULTS.dropExcessRequests,
    'queue full: true answers 503 at once, false waits for room in order of arrival',
  ),
  max_request_body_mb: amount('MiB; larger request bodies are answered with 413', {
    exclusiveMinimum: 0,
    maximum: MAX_BODY_MIB,
    default: DEFAULTS.maxRequestBodyMiB,
  }),
  max_waiting_body_mb: amount(
    'MiB; bodies of requests that have not been sent upstream yet, together; beyond it requests are answered with 503. ' +
      'The default is max_request_body_mb where that is larger',
    { exclusiveMinimum: 0, maximum: MAX_COUNT, default: DEFAULTS.maxWaitingBodyMiB },
  ),
  request_read_timeout: wholeMs(
    DEFAULTS.requestReadTimeoutMs,
    'ms; a caller must have sent head and body within this time',
  ),
  max_request_header_kb: amount("KiB; head of a caller's request; larger ones are answered with 431", {
    minimum: 1,
    maximum: 1024,
    default: DEFAULTS.maxRequestHeaderKiB,
  }),
  prometheus_labels: Type.Optional(
    Type.Array(Type.String({ pattern: '^[a-z][a-z0-9_-]*$' }), {
      maxItems: 8,
      description:
        'labels of metrics whose values come from request headers: team-id is the label team_id, read from x-bf-dim-team-id or x-prom-team-id',
      default: [],
    }),
  ),
  caller_keys: Type.Optional(
    Type.Array(CallerKeySchema, {
      description: 'keys of which a caller must show one (authorization: Bearer KEY); none: everyone may call',
      default: [],
    }),
  ),
  request_log: Type.Optional(
    Type.Object(RequestLogSchema.properties, { description: 'a row for each finished request; absent: no log' }),
  ),
}

const globalBlock = (description: string) => Type.Optional(Type.Object(GlobalProperties, { description }))
export type GlobalSettings = Static<ReturnType<typeof Type.Object<typeof GlobalProperties>>>

const AzureKeySchema = Type.Object(
  {
    endpoint: text('https://NAME.openai.azure.com, or env.NAME; the same in all keys of a provider'),
    api_version: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'the same in all keys of a provider; a date, or env.NAME',
        default: DEFAULTS.azureApiVersion,
      }),
    ),
    deployments: textByName(1, 'model to the name of the deployment that serves it, where that differs'),
  },
  { description: 'azure only' },
)

export const KeySchema = Type.Object({
  name: text('for logs and metrics, unlike its neighbours; default key-<position>, from 1'),
  value: Type.String({ minLength: 1, description: 'the key, or env.NAME for the environment variable NAME' }),
  models: Type.Optional(texts('models it serves; absent or ["*"] for all')),
  blacklisted_models: Type.Optional(texts('models it never serves')),
  weight: amount('share of the requests, in steps of 0.01; all zero means uniform', {
    minimum: 0,
    maximum: 1_000_000,
    default: DEFAULTS.weight,
  }),
  enabled: flag(DEFAULTS.enabled, 'false takes the key out'),
  azure_key_config: Type.Optional(AzureKeySchema),
})

export const NetworkSchema = Type.Object({
  base_url: text(
    "http or https, with or without /v1, or env.NAME; default the provider's own public address, where it has one",
  ),
  extra_headers: textByName(0, 'sent with every request; values may be env.NAME'),
  timeout: amount(
    'ms; whole time of a request with this provider, in queue, upstream and between tries; of a stream until it begins; then 504',
    { exclusiveMinimum: 0, maximum: MAX_TIMER_MS, default: DEFAULTS.timeoutMs },
  ),
  default_request_timeout_in_seconds: amount('timeout, in s', {
    exclusiveMinimum: 0,
    maximum: Math.floor(MAX_TIMER_MS / 1_000),
  }),
  max_retries: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 100, description: 'tries after the first', default: DEFAULTS.maxRetries }),
  ),
  retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'max_retries by another name' })),
  retry_backoff_initial: amount('ms; wait before the first retry, doubled with each further one', {
    minimum: 0,
    maximum: MAX_TIMER_MS,
    default: DEFAULTS.retryBackoffInitialMs,
  }),
  retry_backoff_max: amount('ms; the longest wait before a retry', {
    minimum: 0,
    maximum: MAX_TIMER_MS,
    default: DEFAULTS.retryBackoffMaxMs,
  }),
  stream_idle_timeout_in_seconds: amount('s; a stream in which nothing moves for so long is ended', {
    exclusiveMinimum: 0,
    maximum: Math.floor(MAX_TIMER_MS / 1_000),
    default: DEFAULTS.streamIdleTimeoutMs / 1_000,
  }),
  max_conns_per_host: count(1, DEFAULTS.maxConnsPerHost, 'upstream connections open at once'),
  open_ahead: count(0, DEFAULTS.openAhead, 'upstream connections opened before the gateway listens'),
})

export const ProviderSchema = Type.Object({
  keys: Type.Optional(Type.Array(KeySchema, { description: 'at least one, except where the provider needs none' })),
  custom_provider_config: Type.Optional(
    Type.Object({
      base_provider_type: Type.String({
        description: 'whose protocol it speaks: openai, azure, anthropic, ...; absent: openai, with a base_url',
      }),
    }),
  ),
  concurrency_and_buffer_size: Type.Optional(
    Type.Object({
      concurrency: count(1, DEFAULTS.concurrency, 'requests processed at once; not above buffer_size'),
      buffer_size: count(1, DEFAULTS.bufferSize, 'requests that may wait'),
    }),
  ),
  network_config: Type.Optional(NetworkSchema),
})

/** config.json. The global block may stand under `config`, under `client`, or flat at the top level. */
export const GatewayConfigFileSchema = Type.Object({
  $schema: Type.Optional(Type.String({ description: 'where this schema is; for editors' })),
  config: globalBlock('settings of the whole gateway'),
  client: globalBlock('config by another name'),
  ...GlobalProperties,
  providers: Type.Record(Type.String({ pattern: '^[^/\\s]+$' }), ProviderSchema, {
    additionalProperties: false,
    minProperties: 1,
    description: 'by name, the part of a model before its first slash',
  }),
})
export type GatewayConfigFile = Static<typeof GatewayConfigFileSchema>
