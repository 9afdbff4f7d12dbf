import { stepsOf, type StrictConfig } from './strict.ts'
import { bodyPlace, maskKey, toldHeader } from './strict-text.ts'
import { HARMLESS, type Violation, type ViolationKind } from './strict-violation.ts'
import { isFields, shown, type Fields } from './wire/request-fields.ts'

/** A request as it arrived. */
export interface ArrivedRequest {
  /** Without the query. */
  path: string
  /** By name in lower case, as Node gives them. */
  headers: Readonly<Partial<Record<string, string | string[]>>>
  /** Parsed JSON. */
  body: Fields
  /** The API key; undefined for none. */
  key: string | undefined
}

/** A `StrictConfig` as `checkRequest` looks things up in it. */
export interface Expectations {
  readonly byPath: ReadonlyMap<string, readonly Candidate[]>
  /** Requests whose path carries the model, by the path without it. */
  readonly byShape: ReadonlyMap<string, readonly Candidate[]>
  /** Empty: keys are not checked. */
  readonly keys: ReadonlySet<string>
}

interface Candidate {
  path: string
  model: string | undefined
  headers: readonly (readonly [name: string, value: string])[]
  body: Fields | undefined
  ignored: Ignored | undefined
}

/** What of a value is not compared: all of it, or something of its members. */
interface Ignored {
  whole: boolean
  members: Map<string, Ignored>
}

/** To be made once for a config. */
export function expectationsOf({ requests, keyShares }: StrictConfig): Expectations {
  const candidates = requests.map(({ path, headers, body, ignore }) => ({
    ...splitPath(path),
    path,
    headers: Object.entries(headers),
    body,
    ignored: ignoredOf(ignore),
  }))
  return {
    byPath: Map.groupBy(candidates, ({ path }) => path),
    byShape: Map.groupBy(
      candidates.filter(({ model }) => model !== undefined),
      ({ shape }) => shape,
    ),
    keys: new Set(Object.keys(keyShares)),
  }
}

/**
 * What is wrong with a request: its differences from the expected request from which it differs least, or none when it
 * matches any. Values are compared as JSON: the order of keys does not matter, that of arrays does, null is not absent.
 * Of one request at most 100 wrong and 100 harmless differences are told. The time grows with the expected requests
 * that have its path, and with what they expect, not with how deep a body is.
 */
export function checkRequest(expected: Expectations, request: ArrivedRequest): Violation[] {
  const violations: Violation[] = []
  if (expected.byPath.size > 0) checkContent(expected, request, violations)
  const { key } = request
  if (expected.keys.size > 0 && (key === undefined || !expected.keys.has(key))) {
    const got = key === undefined ? 'none' : shown(maskKey(key))
    violations.push({ kind: 'wrong_key', at: 'key', problem: `expected one of those with a share, got ${got}` })
  }
  return violations
}

function checkContent({ byPath, byShape }: Expectations, request: ArrivedRequest, violations: Violation[]): void {
  const candidates = byPath.get(request.path) ?? byShape.get(splitPath(request.path).shape) ?? []
  let nearest: Candidate | undefined
  let leastCost = Infinity
  for (const candidate of candidates) {
    const comparison = new Comparison(leastCost)
    comparison.compare(candidate, request)
    if (comparison.cost === 0) return
    if (comparison.cost >= leastCost) continue
    nearest = candidate
    leastCost = comparison.cost
  }
  if (nearest) {
    // Once more, for the words: most comparisons need none.
    new Comparison(Infinity, violations).compare(nearest, request)
  } else {
    const expected = [...byPath.keys()].slice(0, 3).map(shown).join(' or ')
    const more = byPath.size > 3 ? ` or ${byPath.size - 3} more` : ''
    violations.push({
      kind: 'wrong_path',
      at: 'path',
      problem: `expected ${expected}${more}, got ${shown(request.path)}`,
    })
  }
}

/** Of one request, and of each sort: a hostile body has millions. */
const MOST_TOLD = 100

/** What the model is to read, in any dialect. */
const MESSAGE_FIELDS: ReadonlySet<string | number | undefined> = new Set([
  ...['messages', 'input', 'contents', 'system'],
  // Not in all dialects, but where a gateway adds one of these, the model reads it.
  ...['instructions', 'prompt', 'systemInstruction', 'system_instruction'],
])

/** Compares one request with one expected. */
class Comparison {
  readonly #enough: number
  readonly #violations: Violation[] | undefined
  /** Where in the body the comparison is. */
  readonly #steps: (string | number)[] = []
  #wrong = 0
  #harmless = 0

  /**
   * @param enough the cost at which the rest need not be compared
   * @param violations gets what differs, in words
   */
  constructor(enough: number, violations?: Violation[]) {
    this.#enough = enough
    this.#violations = violations
  }

  /** What differs, added up. All that is harmless weighs less than one thing that is wrong. */
  get cost(): number {
    return this.#wrong * (MOST_TOLD + 1) + this.#harmless
  }

  compare({ path, model, headers, body, ignored }: Candidate, request: ArrivedRequest): void {
    if (path !== request.path) this.#compareModels(model, splitPath(request.path).model)
    for (const [name, expected] of headers) this.#compareHeaders(name, expected, memberOf(request.headers, name))
    if (body) this.#compareFields(body, request.body, ignored)
  }

  #compareModels(expected: string | undefined, got: string | undefined): void {
    if (expected === got) return
    this.#add('wrong_model', () => ({ at: 'path', problem: `expected ${shown(expected)}, got ${shown(got)}` }))
  }

  #compareHeaders(name: string, expected: string, got: string | string[] | undefined): void {
    if (expected === got) return
    this.#add(got === undefined ? 'lost_header' : 'changed_header', () => {
      const wanted = toldHeader(name, expected)
      const found = toldHeader(name, Array.isArray(got) ? got.join(', ') : got)
      const masked = wanted === found ? ', different where it is masked' : ''
      return { at: `headers.${name}`, problem: `expected ${wanted}, got ${found}${masked}` }
    })
  }

  #compareFields(expected: Fields, got: Fields, ignored: Ignored | undefined): void {
    for (const name in expected) this.#compareMember(name, expected[name], memberOf(got, name), ignored)
    for (const name in got) {
      if (!Object.hasOwn(expected, name)) this.#compareMember(name, undefined, got[name], ignored)
    }
  }

  #compareArrays(expected: readonly unknown[], got: readonly unknown[], ignored: Ignored | undefined): void {
    const shorter = Math.min(expected.length, got.length)
    const longer = Math.max(expected.length, got.length)
    for (let i = shorter; i < longer; i++) {
      if (ignored?.members.get(String(i))?.whole) continue
      // One difference: behind an element that was put in front, every other one would differ too.
      this.#addHere('changed', () => `expected length ${expected.length}, got length ${got.length}`)
      return
    }
    for (let i = 0; i < shorter; i++) this.#compareMember(i, expected[i], got[i], ignored)
  }

  #compareMember(step: string | number, expected: unknown, got: unknown, ignored: Ignored | undefined): void {
    if (expected === got || this.cost >= this.#enough) return
    const ignoredHere = ignored?.members.get(String(step))
    if (ignoredHere?.whole) return
    this.#steps.push(step)
    if (isFields(expected) && isFields(got)) {
      this.#compareFields(expected, got, ignoredHere)
    } else if (Array.isArray(expected) && Array.isArray(got)) {
      this.#compareArrays(expected, got, ignoredHere)
    } else {
      const change = expected === undefined ? 'added' : got === undefined ? 'lost' : 'changed'
      this.#addHere(change, () => `expected ${shown(expected)}, got ${shown(got)}`)
    }
    this.#steps.pop()
  }

  #addHere(change: 'lost' | 'changed' | 'added', problem: () => string): void {
    const [field] = this.#steps
    const kind = MESSAGE_FIELDS.has(field)
      ? 'changed_message'
      : // Added where the path says the model: harmless, as other fields are.
        field === 'model' && change !== 'added'
        ? 'wrong_model'
        : (`${change}_field` as const)
    this.#add(kind, () => ({ at: bodyPlace(this.#steps), problem: problem() }))
  }

  #add(kind: ViolationKind, words: () => Omit<Violation, 'kind'>): void {
    if (HARMLESS.has(kind)) {
      if (this.#harmless === MOST_TOLD) return
      this.#harmless++
    } else {
      if (this.#wrong === MOST_TOLD) return
      this.#wrong++
    }
    this.#violations?.push({ kind, ...words() })
  }
}

// Not `record[name]`: every object inherits a `constructor`.
function memberOf<T>(record: Readonly<Partial<Record<string, T>>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function ignoredOf(places: readonly string[]): Ignored | undefined {
  if (places.length === 0) return undefined
  const root: Ignored = { whole: false, members: new Map() }
  for (const place of places) {
    let at = root
    for (const step of stepsOf(place)) {
      const next = at.members.get(step) ?? { whole: false, members: new Map<string, Ignored>() }
      at.members.set(step, next)
      at = next
    }
    at.whole = true
  }
  return root
}

// Azure's /openai/deployments/<model>/..., Gemini's .../models/<model>:<method>, Bedrock's /model/<model>/...
const PATH_WITH_MODEL = /^(.*\/(?:deployments|models|model)\/)([^/]+?)(:[A-Za-z]+|\/.*)$/

/** A path without its model, and the model, for the dialects whose paths carry it. */
function splitPath(path: string): { shape: string; model: string | undefined } {
  const [, before, model, behind] = PATH_WITH_MODEL.exec(path) ?? []
  if (before === undefined || model === undefined) return { shape: path, model: undefined }
  return { shape: `${before}{model}${behind ?? ''}`, model: decoded(model) }
}

// Clients differ in what they escape: `:` and `%3A` are the same model.
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
