import { type Static, Type } from 'typebox'

const nonNegative = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }))
const count = (minimum: number, description: string) => Type.Optional(Type.Integer({ minimum, description }))

export const GlobalProperties = {
  initial_pool_size: count(0, 'request contexts allocated at start; default 5000'),
  drop_excess_requests: Type.Optional(
    Type.Boolean({ description: 'queue full: true rejects at once with 503, false waits; default false' }),
  ),
  max_request_body_mb: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, description: 'larger request bodies get 413; MiB; default 10' }),
  ),
}

const GlobalSchema = Type.Object(GlobalProperties)
export type GlobalSettings = Static<typeof GlobalSchema>

export const KeySchema = Type.Object({
  name: Type.Optional(Type.String({ description: 'for people; default key-<position>, from 1' })),
  value: Type.String({ description: 'the key, or env.NAME for the environment variable NAME' }),
  models: Type.Optional(Type.Array(Type.String(), { description: 'models it serves; absent or ["*"] for all' })),
  blacklisted_models: Type.Optional(Type.Array(Type.String(), { description: 'models it never serves' })),
  weight: nonNegative('share of the requests, in steps of 0.01; all zero means uniform; default 1'),
  enabled: Type.Optional(Type.Boolean({ description: 'default true' })),
})

export const NetworkSchema = Type.Object({
  base_url: Type.Optional(Type.String({ description: 'http or https; default https://api.openai.com for openai' })),
  extra_headers: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'sent with every request' })),
  timeout: Type.Optional(
    Type.Number({
      exclusiveMinimum: 0,
      description: 'whole time of a request in queue and upstream, ms; default 30000',
    }),
  ),
  default_request_timeout_in_seconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'the same in s' })),
  max_conns_per_host: count(1, 'connections open at once; default 5000'),
  open_ahead: count(0, 'connections opened before the gateway listens; default 0'),
})

export const ProviderSchema = Type.Object({
  keys: Type.Array(KeySchema),
  concurrency_and_buffer_size: Type.Optional(
    Type.Object({
      concurrency: count(1, 'requests processed at once; default 1000'),
      buffer_size: count(1, 'requests that may wait; default 5000'),
    }),
  ),
  network_config: Type.Optional(NetworkSchema),
})

/** config.json. The global block may stand under `config`, under `client`, or flat at the top level. */
export const GatewayConfigFileSchema = Type.Object({
  config: Type.Optional(GlobalSchema),
  client: Type.Optional(GlobalSchema),
  ...GlobalProperties,
  providers: Type.Record(Type.String(), ProviderSchema),
})
export type GatewayConfigFile = Static<typeof GatewayConfigFileSchema>
