import { Type, type Static } from 'typebox'

const count = (minimum: number, description: string) => Type.Optional(Type.Integer({ minimum, description }))
const ms = (description: string) => Type.Optional(Type.Number({ minimum: 0, description }))

/** A named set-up: the keys of RunConfig that it decides, and the machine that it was made for. */
export const ProfileSchema = Type.Object(
  {
    name: Type.Optional(
      Type.String({ minLength: 1, description: "what reports call it; a file's own name when absent" }),
    ),
    machine: Type.Object(
      { vcpus: Type.Integer({ minimum: 1 }), memoryGiB: Type.Number({ exclusiveMinimum: 0 }) },
      { additionalProperties: false, description: 'a label only: off that machine the set-up is imitated' },
    ),
    ratePerSec: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'requests per second' })),
    durationMs: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'measured window, ms' })),
    warmupMs: ms('load before it, ms'),
    mockLatencyMs: ms("the mock's delay, ms"),
    mockJitterMs: ms('uniform spread around it, ms'),
    responseBytes: count(1, 'whole answer body, bytes'),
    requestBytes: count(1, 'whole request body, bytes'),
    model: Type.Optional(Type.String({ minLength: 1 })),
    connections: count(0, 'opened before the warm-up; 0 derives them'),
    timeoutMs: ms('0 for none'),
    threads: count(1, 'driver threads'),
    probeRatePerSec: Type.Optional(Type.Number({ minimum: 0, description: 'requests per second past the gateway' })),
    gateway: Type.Optional(
      Type.Object(
        {
          concurrency: count(1, 'requests processed at once'),
          bufferSize: count(1, 'requests that may wait'),
          initialPoolSize: count(0, 'request contexts made at start'),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)

export type Profile = Static<typeof ProfileSchema>
