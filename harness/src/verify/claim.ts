import { readFile } from 'node:fs/promises'
import { Type, type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { UsageError } from '../errors.ts'
import { METRIC_NAMES, metricOf, UNITS, type UnitName } from './metrics.ts'
import { schemaProblems } from '../schema-problems.ts'

/** A claim file: what somebody published about a gateway. What the source does not state has no key. */

const closed = { additionalProperties: false } as const
const opt = <T extends TSchema>(schema: T) => Type.Optional(schema)
const text = (description: string) => Type.String({ minLength: 1, description })
const above0 = (description: string) => Type.Number({ exclusiveMinimum: 0, description })
const bytes = (description: string) => opt(Type.Integer({ minimum: 1, description }))
const UNIT_NAMES = Object.keys(UNITS) as UnitName[]

/** What a run must know, whether the source states it or bench has to assume it. */
const load = {
  durationMs: opt(above0('length of the run, ms')),
  mockLatencyMs: opt(Type.Number({ minimum: 0, description: "the mock's delay, ms" })),
  requestBytes: bytes('request body, bytes'),
  responseBytes: bytes('answer body, bytes'),
}

const Conditions = Type.Object(
  {
    ratePerSec: opt(
      Type.Union([above0('requests per second'), Type.Literal('saturation')], {
        description: 'requests per second, above 0, or "saturation" for as many as the gateway takes',
      }),
    ),
    ...load,
    connections: opt(
      Type.Integer({ minimum: 1, description: 'connections, or requests at once, of the load generator' }),
    ),
    machine: opt(
      Type.Object(
        {
          instance: opt(text('type of the instance, such as t3.medium')),
          cpu: opt(text('model of the CPU')),
          vcpus: opt(Type.Integer({ minimum: 1, description: 'vCPUs' })),
          memoryGiB: opt(above0('GiB')),
        },
        { ...closed, description: 'what the gateway ran on' },
      ),
    ),
    deployment: opt(
      Type.Object(
        {
          note: text('how gateway, mock and load generator stood, in words'),
          instances: opt(Type.Integer({ minimum: 1, description: 'machines or instances that the gateway ran on' })),
          oneMachine: opt(Type.Boolean({ description: 'gateway, mock and load generator shared one machine' })),
        },
        closed,
      ),
    ),
    settings: opt(
      Type.Record(Type.String({ minLength: 1 }), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
        description: 'settings of the gateway, as published',
      }),
    ),
  },
  { ...closed, description: 'what the source states; the rest has no key' },
)

const Assumed = Type.Object(
  { ratePerSec: opt(above0('requests per second')), ...load, why: text('why these values, in one sentence') },
  { ...closed, description: 'what the source does not state and bench takes for its run' },
)

const ClaimedFigure = Type.Object(
  {
    metric: Type.Enum(METRIC_NAMES),
    value: Type.Number({ description: 'as published' }),
    unit: Type.Enum(UNIT_NAMES),
    definition: text('what the source says that the figure is, or "not stated"'),
    comparison: Type.Enum(['at_most', 'about', 'at_least'], {
      description: 'at_most or at_least where better than claimed upholds the claim, else about',
    }),
    tolerancePct: opt(
      Type.Number({ minimum: 0, description: 'how far off still counts as the same, %; 20 where absent' }),
    ),
    notStated: opt(Type.Array(text('a condition that the source leaves open for this figure'))),
  },
  closed,
)

export const ClaimSchema = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z0-9][a-z0-9.-]*$', description: 'lower-case letters, digits, dots, dashes' }),
    who: text('who published it'),
    gateway: text('the gateway that it is about'),
    source: Type.Object(
      { title: text('where it stands'), url: opt(text('address')), published: opt(text('when, such as 2026-07')) },
      closed,
    ),
    claim: text('what is claimed, in one sentence'),
    target: Type.Union([text('name of a target'), Type.Null()], {
      description: 'name of the target of bench that this gateway is, or null when there is none',
    }),
    version: opt(text('version of the gateway')),
    loadFails: opt(
      Type.Literal(true, { description: 'true: the claim is that the gateway does not carry the rate; else absent' }),
    ),
    conditions: Conditions,
    assumed: opt(Assumed),
    figures: Type.Array(ClaimedFigure, { description: 'may be empty only with loadFails' }),
  },
  { ...closed, title: 'gatebench claim' },
)

export type Claim = Static<typeof ClaimSchema>
export type ClaimedFigure = Static<typeof ClaimedFigure>

/**
 * A claim file that has been parsed as JSON, checked; `file` is only for messages.
 *
 * @throws {UsageError} with every problem at once.
 */
export function parseClaim(value: unknown, file: string): Claim {
  const refuse = (problems: string[]) => new UsageError(problems.map((problem) => `${file}: ${problem}`))
  if (!Value.Check(ClaimSchema, value)) throw refuse(schemaProblems(ClaimSchema, value))
  const problems = contradictions(value)
  if (problems.length > 0) throw refuse(problems)
  return value
}

/** What the schema alone cannot tell. */
function contradictions({ conditions, assumed, figures, loadFails }: Claim): string[] {
  const problems: string[] = []
  for (const name of Object.keys(assumed ?? {})) {
    if (name in conditions) problems.push(`/assumed/${name} is stated in /conditions already; leave one of them out`)
  }
  if (figures.length === 0 && loadFails === undefined) {
    problems.push('/figures is empty: there is nothing to judge; add a figure, or "loadFails": true')
  }
  if (loadFails && typeof (conditions.ratePerSec ?? assumed?.ratePerSec) !== 'number') {
    problems.push('/loadFails needs the rate that is not carried; write it in /conditions/ratePerSec')
  }
  figures.forEach(({ metric, unit, value }, index) => {
    const { dimension } = metricOf(metric)
    if (UNITS[unit].dimension !== dimension) {
      const right = UNIT_NAMES.filter((name) => UNITS[name].dimension === dimension)
      problems.push(`/figures/${index}/unit of ${metric} must be ${right.join(' or ')}, got "${unit}"`)
    }
    // A tolerance is a factor, which says nothing of what is 0 or below.
    if (value <= 0) problems.push(`/figures/${index}/value must be above 0, got ${value}`)
    if (figures.findIndex((figure) => figure.metric === metric) !== index) {
      problems.push(`/figures/${index}/metric ${metric} stands twice; one claim has one figure of it`)
    }
  })
  return problems
}

/** @throws {UsageError} when the file cannot be read, is not JSON or is no claim. */
export async function readClaim(path: string): Promise<Claim> {
  const json = await readFile(path, 'utf8').catch(() => undefined)
  if (json === undefined) throw new UsageError([`${path}: cannot be read; a claim is a JSON file, see harness/claims/`])
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw new UsageError([`${path}: is not JSON: ${error instanceof Error ? error.message : String(error)}`])
  }
  return parseClaim(value, path)
}
