import { isJsonObject, type JsonObject } from '../json-object.ts'

/** A request as the mock should get it. */
export interface ExpectedRequest {
  path: string
  body: JsonObject
  /** Places in the body that are not compared. */
  ignore?: readonly string[]
}

/** What the mock's strict mode has counted. */
export interface StrictCounts {
  checked: number
  wrong: number
  byKind: Record<string, number>
  /** One difference each, in words. */
  examples: string[]
}

const ANSWER_TIMEOUT_MS = 10_000

/** The mock's control, as far as a comparison needs it. A mock that does not let us in is measured without. */
export class MockAdmin {
  readonly #url: string

  constructor(mockUrl: string) {
    this.#url = mockUrl
  }

  /** Begins a new report of strict mode; false when the mock refuses. @param change further settings */
  async expect(requests: readonly ExpectedRequest[], change: JsonObject = {}): Promise<boolean> {
    // The same expectation again would go on with the old report.
    return (await this.#change({ strict: null })) && (await this.#change({ ...change, strict: { requests } }))
  }

  /** Ends strict mode. @param change further settings */
  async end(change: JsonObject = {}): Promise<void> {
    await this.#change({ ...change, strict: null })
  }

  /** Settings as they are now; undefined when the mock does not say. */
  async settings(names: readonly string[]): Promise<JsonObject | undefined> {
    const config = await this.#ask('/admin/config')
    return isJsonObject(config) ? Object.fromEntries(names.map((name) => [name, config[name]])) : undefined
  }

  /** What has been counted since `expect`; undefined when the mock does not say. */
  async report(): Promise<StrictCounts | undefined> {
    const report = await this.#ask('/admin/strict')
    return isReport(report)
      ? {
          checked: report.checked,
          wrong: report.wrong,
          byKind: report.byKind,
          examples: report.examples.map(({ at, problem }) => `${at}: ${problem}`),
        }
      : undefined
  }

  async #change(change: JsonObject): Promise<boolean> {
    const body = JSON.stringify(change)
    const headers = { 'content-type': 'application/json' }
    return (await this.#ask('/admin/config', { method: 'POST', headers, body })) !== undefined
  }

  async #ask(path: string, init: RequestInit = {}): Promise<unknown> {
    try {
      const response = await fetch(this.#url + path, { ...init, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
      const answer: unknown = await response.json()
      return response.ok ? answer : undefined
    } catch {
      return undefined
    }
  }
}

interface Report {
  checked: number
  wrong: number
  byKind: Record<string, number>
  examples: { at: string; problem: string }[]
}

function isReport(value: unknown): value is Report {
  return isJsonObject(value) && typeof value['checked'] === 'number' && Array.isArray(value['examples'])
}

/** Two counts of one target as one. */
export function addStrict(a: StrictCounts | undefined, b: StrictCounts | undefined): StrictCounts | undefined {
  if (!a || !b) return a ?? b
  const kinds = [...new Set([...Object.keys(a.byKind), ...Object.keys(b.byKind)])]
  return {
    checked: a.checked + b.checked,
    wrong: a.wrong + b.wrong,
    byKind: Object.fromEntries(kinds.map((kind) => [kind, (a.byKind[kind] ?? 0) + (b.byKind[kind] ?? 0)])),
    examples: [...new Set([...a.examples, ...b.examples])],
  }
}
