import { readFileSync } from 'node:fs'
import { Type, type Static, type TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { STOP_SIGNALS } from '../guard-messages.ts'
import { parseDurationMs } from '../quantities.ts'
import { schemaProblems } from '../schema-problems.ts'
import { placeholderProblems } from './placeholders.ts'

const text = (description: string) => Type.String({ minLength: 1, description })
const argv = (description: string) => Type.Array(Type.String(), { minItems: 1, description })
const opt = <T extends TSchema>(schema: T) => Type.Optional(schema)
const closed = { additionalProperties: false }
const unit = Type.Enum(['ms', 'us', 's'])
const claims = text('what it says that it measures')

/** A gateway that bench does not know, described in JSON. */
const TargetFileSchema = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]*$', description: 'what reports call it: a-z, 0-9, . _ -' }),
    title: opt(text('what it is, in words')),
    install: opt(Type.Array(argv('one command'), { description: 'commands that install it' })),
    version: opt(
      Type.Object(
        {
          command: argv('prints the version'),
          pattern: opt(text('regular expression; its group, or all that it matches, is the version')),
        },
        closed,
      ),
    ),
    files: opt(
      Type.Record(Type.String({ pattern: '^[^/]+$' }), Type.String(), {
        ...closed,
        description: 'files of its temporary folder, names without a slash',
      }),
    ),
    start: argv('the command and its arguments; what begins with ./ is taken from the folder of this file'),
    env: opt(Type.Record(Type.String(), Type.String(), { description: 'added to the environment' })),
    ready: Type.Object(
      {
        path: Type.String({ pattern: '^/', description: 'asked by GET until it answers; begins with /' }),
        status: opt(Type.Array(Type.Integer({ minimum: 100, maximum: 599 }), { minItems: 1 })),
      },
      closed,
    ),
    readyTimeout: opt(text('such as 60s')),
    stopSignal: opt(Type.Enum([...STOP_SIGNALS])),
    path: opt(Type.String({ pattern: '^/.*[^/]$', description: 'before /v1, such as /openai' })),
    model: opt(text('model that requests to it name')),
    headers: opt(
      Type.Record(Type.String({ pattern: '^[a-z0-9-]+$' }), Type.String(), {
        ...closed,
        description: 'names in lower case',
      }),
    ),
    settings: opt(Type.Array(Type.String(), { description: 'how it is set up, in words' })),
    selfReports: opt(
      Type.Array(
        Type.Union([
          Type.Object({ kind: Type.Literal('header'), header: text('its name'), unit, claims }, closed),
          Type.Object(
            { kind: Type.Literal('prometheus'), path: text('of its metrics'), metric: text('its name'), unit, claims },
            closed,
          ),
        ]),
      ),
    ),
  },
  closed,
)

export type TargetFile = Static<typeof TargetFileSchema>

export const DEFAULT_READY_TIMEOUT = '60s'

/** The target file at a path, or every problem with it. */
export function readTargetFile(path: string): { file: TargetFile } | { problems: string[] } {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    return { problems: [`cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`] }
  }
  if (!Value.Check(TargetFileSchema, value)) return { problems: schemaProblems(TargetFileSchema, value) }
  const problems = [...valueProblems(value), ...placeholderProblems(placesOf(value))]
  return problems.length > 0 ? { problems } : { file: value }
}

function valueProblems({ readyTimeout, version }: TargetFile): string[] {
  const problems: string[] = []
  if (readyTimeout !== undefined && parseDurationMs(readyTimeout, 's') === undefined) {
    problems.push(`/readyTimeout "${readyTimeout}" is not a duration; write 60s or 1.5m`)
  }
  try {
    new RegExp(version?.pattern ?? '')
  } catch (error) {
    problems.push(`/version/pattern ${error instanceof Error ? error.message : String(error)}`)
  }
  return problems
}

/** Every text in which placeholders stand for what only a start knows, by its path. */
function placesOf({ files = {}, start, env = {}, headers = {} }: TargetFile): [path: string, text: string][] {
  const under = (path: string, texts: object) =>
    Object.entries(texts).map(([name, value]): [string, string] => [`/${path}/${name}`, String(value)])
  return [...under('files', files), ...under('start', start), ...under('env', env), ...under('headers', headers)]
}
