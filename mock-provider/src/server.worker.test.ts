import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { withMock } from './server.fixture.ts'
import type { MockServerOptions, WorkerPlace } from './server.ts'

const DRAWN = { latency: 'uniform:0:5ms', responseSize: 'uniform:1KB:2KB', errorRate: '30%', seed: 7 }

/** What the first answers of a mock are: the ids' sequence numbers and planned delays, sizes, errors. */
async function firstAnswers(options: MockServerOptions) {
  const answers: { sequence: number; plannedUs: number; bytes: number; status: number }[] = []
  await withMock(
    DRAWN,
    async ({ chat }) => {
      for (let i = 0; i < 6; i++) {
        const response = await chat()
        const text = await response.text()
        const [, sequence] = /"id":"chatcmpl-(\d+)-/.exec(text) ?? []
        const [, plannedUs] = /planned=(\d+)/.exec(response.headers.get('x-mock-delay') ?? '') ?? []
        const { status } = response
        answers.push({ sequence: Number(sequence), plannedUs: Number(plannedUs), bytes: text.length, status })
      }
    },
    options,
  )
  return answers
}

const inPlace = (index: number, predecessors = 0): MockServerOptions => ({
  worker: { index, count: 2, predecessors } satisfies WorkerPlace,
})
const sequences = (answers: Awaited<ReturnType<typeof firstAnswers>>) =>
  answers.flatMap(({ sequence, status }) => (status === 200 ? [sequence] : []))

describe('one of several processes', () => {
  test('the first of them draws what a single one would, and takes every second number', async () => {
    const single = await firstAnswers({})
    const first = await firstAnswers(inPlace(0))
    const drawn = (answers: typeof single) => answers.map(({ sequence: _counted, ...rest }) => rest)
    assert.deepEqual(drawn(first), drawn(single))
    assert.ok(sequences(single).length > 0)
    assert.deepEqual(
      sequences(first),
      sequences(single).map((sequence) => 2 * sequence - 1),
    )
  })

  test('others draw otherwise: each process, and each that replaces one', async () => {
    const all = [inPlace(0), inPlace(1), inPlace(0, 1), inPlace(1, 1)]
    const delays = new Set<number>()
    for (const options of all) for (const { plannedUs } of await firstAnswers(options)) delays.add(plannedUs)
    assert.equal(delays.size, 24)
  })

  test('one that replaces another counts on in the same steps, far beyond what that can have given', async () => {
    const second = sequences(await firstAnswers(inPlace(1)))
    const third = sequences(await firstAnswers(inPlace(1, 3)))
    assert.ok(second.every((sequence) => sequence % 2 === 0))
    assert.ok(third.every((sequence) => sequence % 2 === 0 && sequence > 3 * 2e10 && sequence < 4 * 2e10))
  })
})
