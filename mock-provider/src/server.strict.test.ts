import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ANTHROPIC, ask, configure, OPENAI } from './server.callers.fixture.ts'
import { CHAT, withMock, type Mock } from './server.fixture.ts'
import type { StrictReport } from './strict-tally.ts'

const EXPECTED = {
  path: OPENAI.path,
  headers: { 'x-team': 'blue' },
  body: { ...CHAT, temperature: 0.5 },
  ignore: ['stream'],
}
const STRICT = { requests: [EXPECTED] }
const RIGHT = { temperature: 0.5 }

/** OpenAI's caller, with a header that is expected. */
const TEAM = { ...OPENAI, headers: (key: string) => ({ ...OPENAI.headers(key), 'x-team': 'blue' }) }

async function report({ url }: Mock): Promise<StrictReport> {
  const response = await fetch(`${url}/admin/strict`)
  assert.equal(response.status, 200)
  return (await response.json()) as StrictReport
}

/** The counts that are not 0. */
function counted({ byKind }: StrictReport): Record<string, number> {
  return Object.fromEntries(Object.entries(byKind).filter(([, count]) => count > 0))
}

async function statusOf(answer: Promise<Response>): Promise<number> {
  const response = await answer
  await response.arrayBuffer()
  return response.status
}

describe('strict mode counts', () => {
  test('nothing wrong of requests that are as expected, whole or streamed, query or not', async () => {
    await withMock({ strict: STRICT }, async (mock) => {
      assert.equal(await statusOf(ask(mock, TEAM, { body: RIGHT })), 200)
      assert.equal(await statusOf(ask(mock, TEAM, { body: { ...RIGHT, stream: true } })), 200)
      assert.equal(await statusOf(ask(mock, { ...TEAM, path: `${TEAM.path}?trace=1` }, { body: RIGHT })), 200)
      const { checked, wrong, examples, keyShares } = await report(mock)
      assert.deepEqual({ checked, wrong, examples, keyShares }, { checked: 3, wrong: 0, examples: [], keyShares: [] })
    })
  })

  test('a request to a path that the mock does not even serve', async () => {
    await withMock({ strict: STRICT }, async (mock) => {
      assert.equal(await statusOf(ask(mock, { ...TEAM, path: '/chat/completions' }, { body: RIGHT })), 404)
      const told = await report(mock)
      assert.deepEqual(counted(told), { wrong_path: 1 })
      assert.deepEqual([told.checked, told.wrong], [1, 1])
    })
  })

  test('a request without the key that its provider demands', async () => {
    const strict = {
      requests: [{ path: ANTHROPIC.path, headers: { 'anthropic-version': '2023-06-01' } }],
      keyShares: { k: 1 },
    }
    await withMock({ strict }, async (mock) => {
      assert.equal(await statusOf(ask(mock, { ...ANTHROPIC, headers: () => ({}) })), 401)
      const told = await report(mock)
      assert.deepEqual(counted(told), { lost_header: 1, wrong_key: 1 })
      assert.deepEqual([told.checked, told.wrong], [1, 1])
    })
  })

  test('each difference by its kind, and answers those requests all the same', async () => {
    await withMock({ strict: STRICT }, async (mock) => {
      for (const [caller, body] of [
        [OPENAI, RIGHT],
        [TEAM, {}],
        [TEAM, { temperature: 1 }],
        [TEAM, { ...RIGHT, model: 'other' }],
        [TEAM, { ...RIGHT, messages: [{ role: 'user', content: 'Hullo' }] }],
        [TEAM, { ...RIGHT, user: 'me' }],
        [ANTHROPIC, RIGHT],
      ] as const) {
        assert.equal(await statusOf(ask(mock, caller, { body })), 200)
      }
      const found = await report(mock)
      assert.equal(found.checked, 7)
      // A field that was added makes no request wrong.
      assert.equal(found.wrong, 6)
      assert.deepEqual(counted(found), {
        wrong_path: 1,
        lost_header: 1,
        lost_field: 1,
        changed_field: 1,
        added_field: 1,
        changed_message: 1,
        wrong_model: 1,
      })
      assert.deepEqual(
        found.examples.find(({ kind }) => kind === 'changed_field'),
        { kind: 'changed_field', at: 'body.temperature', problem: 'expected 0.5, got 1' },
      )
    })
  })

  test('requests that the mock then refuses for what they say, and none whose key it refuses', async () => {
    await withMock({ strict: STRICT, requireKeys: ['sk-right'] }, async (mock) => {
      assert.equal(await statusOf(ask(mock, TEAM, { key: 'sk-right', body: { ...RIGHT, messages: [] } })), 400)
      assert.equal(await statusOf(ask(mock, TEAM, { key: 'sk-wrong', body: RIGHT })), 401)
      const { checked, wrong } = await report(mock)
      assert.deepEqual({ checked, wrong }, { checked: 1, wrong: 1 })
    })
  })
})

describe('strict mode that refuses', () => {
  test('answers what is wrong with 400, in the shape of its provider and in so many words', async () => {
    await withMock({ strict: { ...STRICT, refuse: true } }, async (mock) => {
      const refused = await ask(mock, OPENAI, { body: { temperature: 1 } })
      assert.equal(refused.status, 400)
      assert.deepEqual(await refused.json(), {
        error: {
          message:
            'strict: lost_header headers.x-team: expected "blue", got nothing; changed_field body.temperature: expected 0.5, got 1',
          type: 'invalid_request_error',
          param: null,
          code: null,
        },
      })
      const other = await ask(mock, ANTHROPIC)
      assert.equal(other.status, 400)
      const { type, error } = (await other.json()) as { type: string; error: { type: string; message: string } }
      assert.deepEqual([type, error.type], ['error', 'invalid_request_error'])
      assert.match(error.message, /^strict: wrong_path path: expected "\/v1\/chat\/completions", got "\/v1\/messages"$/)
      assert.equal((await report(mock)).wrong, 2)
    })
  })

  test('answers what is right, and what has no more than fields added', async () => {
    await withMock({ strict: { ...STRICT, refuse: true } }, async (mock) => {
      assert.equal(await statusOf(ask(mock, TEAM, { body: RIGHT })), 200)
      assert.equal(await statusOf(ask(mock, TEAM, { body: { ...RIGHT, user: 'me' } })), 200)
    })
  })
})

describe('shares of keys', () => {
  const strict = { keyShares: { 'sk-team-a': 3, 'sk-team-b': 1 } }

  test('are counted by key, masked, and judged; other keys are wrong', async () => {
    await withMock({ strict }, async (mock) => {
      for (const key of ['sk-team-a', 'sk-team-a', 'sk-team-b', 'sk-stranger']) {
        assert.equal(await statusOf(ask(mock, OPENAI, { key })), 200)
      }
      await mock.chat()
      const found = await report(mock)
      assert.deepEqual(found.keyShares, [
        { key: '****am-a', expectedShare: 0.75, seen: 2, seenShare: 2 / 3, plausible: true },
        { key: '****am-b', expectedShare: 0.25, seen: 1, seenShare: 1 / 3, plausible: true },
      ])
      assert.deepEqual(counted(found), { wrong_key: 2 })
      assert.equal(found.wrong, 2)
      assert.doesNotMatch(JSON.stringify(found), /sk-/)
    })
  })

  test('that chance does not explain are no longer plausible', async () => {
    await withMock({ strict }, async (mock) => {
      for (let i = 0; i < 20; i++) await statusOf(ask(mock, OPENAI, { key: 'sk-team-b' }))
      assert.deepEqual(
        (await report(mock)).keyShares.map(({ plausible }) => plausible),
        [false, false],
      )
    })
  })

  test('are of the keys of any dialect', async () => {
    await withMock({ strict }, async (mock) => {
      await statusOf(ask(mock, ANTHROPIC, { key: 'sk-team-a' }))
      assert.deepEqual(
        (await report(mock)).keyShares.map(({ seen }) => seen),
        [1, 0],
      )
    })
  })
})

test('strict mode that is off is not found, and its report says how to turn it on', async () => {
  await withMock({}, async (mock) => {
    const response = await fetch(`${mock.url}/admin/strict`)
    assert.equal(response.status, 404)
    const { problems } = (await response.json()) as { problems: string[] }
    assert.match(problems.join(), /strict mode is off; set "strict"/)
  })
})

test('strict mode is turned on over HTTP, counts on through other changes, and anew once it is changed', async () => {
  await withMock({}, async (mock) => {
    const change = async (patch: unknown) => {
      assert.equal(await statusOf(configure(mock, patch)), 200)
    }
    const checked = async () => (await report(mock)).checked
    await statusOf(ask(mock, OPENAI))
    await change({ strict: STRICT })
    assert.equal(await checked(), 0)
    await statusOf(ask(mock, OPENAI))
    await change({ latency: 1, seed: 9 })
    await statusOf(ask(mock, OPENAI))
    assert.equal(await checked(), 2)

    await change({ strict: { refuse: true } })
    assert.equal(await checked(), 0)
    assert.equal(await statusOf(ask(mock, OPENAI)), 400)
    assert.equal(await checked(), 1)

    await change({ strict: null })
    assert.equal((await fetch(`${mock.url}/admin/strict`)).status, 404)
    assert.equal(await statusOf(ask(mock, OPENAI)), 200)
    await change({ strict: { ...STRICT, refuse: true } })
    assert.equal(await checked(), 0)
  })
})

test('strict mode that expects nothing is refused, and what was on stays on', async () => {
  await withMock({ strict: STRICT }, async (mock) => {
    await statusOf(ask(mock, OPENAI))
    const refused = await configure(mock, { strict: { requests: [], refuse: 'yes' } })
    assert.equal(refused.status, 400)
    assert.deepEqual(await refused.json(), { problems: ['strict.refuse: must be true or false, got "yes"'] })
    assert.equal(await statusOf(configure(mock, { strict: { requests: [] } })), 400)
    assert.equal((await report(mock)).checked, 1)
  })
})
