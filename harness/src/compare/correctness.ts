import { isDeepStrictEqual } from 'node:util'
import { isJsonObject, parseJsonObject, type JsonObject } from '../json-object.ts'
import type { RequestTemplate } from '../plan.ts'
import { MockAdmin, type StrictCounts } from './mock-admin.ts'

/** What a target did to a few requests of different kinds, and to their answers. */
export interface Correctness {
  /** Of the requests that reached the mock; absent when the mock does not say. */
  strict?: StrictCounts
  answersChecked: number
  answersDamaged: number
  /** What was wrong with the answers, one sentence each. */
  problems: string[]
}

const TEXTS = [
  'Plain words.',
  'Grüße, 你好, مرحبا, 🙂 and a quote: "so"',
  'back\\slash, tab\t, line\nend, nul \u0000, </script>',
  'long '.repeat(1_000),
]

/** Bodies beside the model: texts that are easily broken, parameters that are easily lost. */
const ASKED: readonly JsonObject[] = [
  ...TEXTS.map((content) => ({ messages: [{ role: 'user', content }] })),
  {
    messages: [
      { role: 'system', content: 'You are short.' },
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: 'One.' },
      { role: 'user', content: 'Two?' },
    ],
  },
  {
    messages: [{ role: 'user', content: 'Parameters.' }],
    temperature: 0.3,
    top_p: 0.9,
    presence_penalty: 0.1,
    frequency_penalty: -0.2,
    stop: ['END', '###'],
    seed: 42,
    user: 'someone',
  },
  { messages: [{ role: 'user', content: [{ type: 'text', text: 'In parts.' }] }] },
]

/**
 * Answers of an exact size are filled up around an id that is longer or shorter each time: the same text for the same request
 * comes only from those that are as large as they need be.
 */
const SAME_TEXT = { responseSize: 'tokens', tokens: '40' }

/**
 * Sends requests of several kinds through the target and straight to the mock, which says in strict mode whether they arrived as
 * they were sent; what callers are given must be the same on both ways.
 *
 * @param request The plan's, with the target's headers.
 * @param upstreamModel Name by which the target asks the mock; absent: any will do.
 */
export async function checkCorrectness(
  urls: { target: string; mock: string },
  request: RequestTemplate,
  model: string,
  upstreamModel: string | undefined,
  timeoutMs: number,
): Promise<Correctness> {
  const admin = new MockAdmin(urls.mock)
  const expected = ASKED.map((body) => ({
    path: request.path,
    body: { ...body, model: upstreamModel ?? model },
    ...(upstreamModel === undefined && { ignore: ['model'] }),
  }))
  const before = await admin.settings(Object.keys(SAME_TEXT))
  const strictOn = before !== undefined && (await admin.expect(expected, SAME_TEXT))
  try {
    const askAll = (url: string, named: string) =>
      Promise.all(ASKED.map((body) => ask(url, request, { model: named, ...body }, timeoutMs)))
    const answers = await askAll(urls.target, model)
    const strict = strictOn ? await admin.report() : undefined
    // By the name that the target uses: the mock's answer names the model.
    return judgeAnswers(answers, await askAll(urls.mock, upstreamModel ?? model), strict)
  } finally {
    if (strictOn) await admin.end(before)
  }
}

/** Pure. What the mock itself did not answer rightly, is compared with nothing. */
function judgeAnswers(
  answers: readonly Answer[],
  right: readonly Answer[],
  strict: StrictCounts | undefined,
): Correctness {
  const problems = answers.map((answer, i) => damage(answer, right[i]!)).filter((problem) => problem !== undefined)
  return {
    ...(strict && { strict }),
    answersChecked: answers.filter((answer, i) => 'problem' in answer || 'fields' in right[i]!).length,
    answersDamaged: problems.length,
    problems: [...new Set(problems)],
  }
}

type Answer = { fields: JsonObject } | { problem: string }

async function ask(url: string, request: RequestTemplate, body: JsonObject, timeoutMs: number): Promise<Answer> {
  try {
    const response = await fetch(url + request.path, {
      method: request.method,
      headers: request.headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(Math.ceil(timeoutMs)),
    })
    const text = await response.text()
    if (!response.ok) return { problem: `status ${response.status}` }
    const fields = parseJsonObject(text)
    return typeof fields === 'string' ? { problem: `a body that ${fields}` } : { fields }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

/** What callers use of an answer, which a target may not change; it may add fields of its own. */
const READ_BY_CALLERS: Readonly<Record<string, (fields: JsonObject) => unknown>> = {
  'choices[0].message.content': (fields) => memberOf(firstChoice(fields)?.['message'], 'content'),
  'choices[0].message.role': (fields) => memberOf(firstChoice(fields)?.['message'], 'role'),
  'choices[0].finish_reason': (fields) => firstChoice(fields)?.['finish_reason'],
  'usage.prompt_tokens': ({ usage }) => memberOf(usage, 'prompt_tokens'),
  'usage.completion_tokens': ({ usage }) => memberOf(usage, 'completion_tokens'),
}

function firstChoice({ choices }: JsonObject): JsonObject | undefined {
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined
  return isJsonObject(first) ? first : undefined
}

function memberOf(value: unknown, name: string): unknown {
  return isJsonObject(value) ? value[name] : undefined
}

/** Pure: what is wrong with an answer, beside what the mock gives; undefined when nothing is. */
export function damage(answer: Answer, right: Answer): string | undefined {
  if ('problem' in answer) return `no answer: ${answer.problem}`
  // Then there is nothing to compare with, which is not the target's fault.
  if ('problem' in right) return undefined
  const changed = Object.entries(READ_BY_CALLERS)
    .filter(([, read]) => !isDeepStrictEqual(read(answer.fields), read(right.fields)))
    .map(([name]) => name)
  return changed.length === 0 ? undefined : `${changed.join(', ')} changed`
}
