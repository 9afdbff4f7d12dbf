import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { inBody } from './strict-check.fixture.ts'
import { bodyPlace } from './strict-text.ts'
import { VIOLATION_KINDS } from './strict-violation.ts'
import { isFields, type Fields } from './wire/request-fields.ts'

fc.configureGlobal({ seed: 1 })

describe('any JSON object', () => {
  const bodies = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('model', 'messages', 'system', 'constructor')),
    fc.jsonValue({ maxDepth: 4 }),
  )

  test('matches itself, with its keys in any order', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        assert.deepEqual(inBody(body, turned(body) as Fields), [])
      }),
    )
  })

  test('without any one of its fields has lost that, there and nowhere else', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), (body, nth) => {
        const places = placesOf(body, []).filter(({ steps }) => typeof steps.at(-1) === 'string')
        const place = places[nth % places.length]
        fc.pre(place !== undefined)
        const [violation, ...more] = inBody(body, changed(body, place.steps, undefined) as Fields)
        assert.equal(violation?.at, bodyPlace(place.steps))
        assert.equal(violation.kind, kindAt(place.steps, 'lost_field'))
        assert.match(violation.problem, /^expected .*, got nothing$/s)
        assert.deepEqual(more, [])
      }),
    )
  })

  test('with any one of its leaves changed differs there and nowhere else', () => {
    fc.assert(
      fc.property(bodies, fc.nat(), fc.jsonValue({ maxDepth: 1 }), (body, nth, leaf) => {
        const places = placesOf(body, []).filter(({ value }) => typeof value !== 'object' || value === null)
        const place = places[nth % places.length]
        fc.pre(place !== undefined && place.value !== leaf)
        const [violation, ...more] = inBody(body, changed(body, place.steps, leaf) as Fields)
        assert.equal(violation?.at, bodyPlace(place.steps))
        assert.equal(violation.kind, kindAt(place.steps, 'changed_field'))
        assert.deepEqual(more, [])
      }),
    )
  })

  test('differs from any other in known ways, of which no part is undefined', () => {
    fc.assert(
      fc.property(bodies, bodies, (expected, body) => {
        for (const violation of inBody(expected, body)) {
          assert.ok(VIOLATION_KINDS.includes(violation.kind))
          assert.match(violation.at, /^body[.[]/)
          assert.doesNotMatch(violation.problem, /undefined/)
        }
      }),
    )
  })
})

type Steps = readonly (string | number)[]

/** Everything in a value, with the way to it. */
function placesOf(value: unknown, steps: Steps): { steps: Steps; value: unknown }[] {
  const members: [string | number, unknown][] = Array.isArray(value)
    ? value.map((each: unknown, i) => [i, each])
    : isFields(value)
      ? Object.entries(value)
      : []
  return members.flatMap(([step, each]) => [
    { steps: [...steps, step], value: each },
    ...placesOf(each, [...steps, step]),
  ])
}

/** A copy in which one place holds another value; undefined for no place there. */
function changed(value: unknown, [step, ...rest]: Steps, to: unknown): unknown {
  if (step === undefined) return to
  if (Array.isArray(value)) return value.map((each: unknown, i) => (i === step ? changed(each, rest, to) : each))
  assert.ok(isFields(value))
  const entries = Object.entries(value).map(
    ([name, each]) => [name, name === step ? changed(each, rest, to) : each] as const,
  )
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined))
}

/** A copy with the keys of all objects the other way round. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (!isFields(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, each]) => [name, turned(each)]),
  )
}

function kindAt([field]: Steps, kind: string): string {
  if (field === 'messages' || field === 'system') return 'changed_message'
  return field === 'model' ? 'wrong_model' : kind
}
