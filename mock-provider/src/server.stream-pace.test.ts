import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ask,
  CALLERS,
  dataOf,
  delayOf,
  plannedUs,
  until,
  withStoppedClock,
  type Caller,
} from './server.callers.fixture.ts'
import { withMock, type Mock } from './server.fixture.ts'
import { parseChunkStamp, type ChunkStamp } from './truth.ts'

interface StreamEvent {
  choices?: { delta: { content?: string } }[]
  delta?: { text?: string }
  usage?: { completion_tokens?: number; output_tokens?: number } | null
}

/** A stream as its caller has it: the text of each content chunk, and the tokens that its usage tells. */
interface Received {
  text: string
  chunks: string[]
  tokens: number | undefined
}

async function streamOf(mock: Mock, caller: Caller, body: Readonly<Record<string, unknown>> = {}): Promise<Received> {
  const usage = caller.path.endsWith('completions') ? { stream_options: { include_usage: true } } : {}
  const text = await (await ask(mock, caller, { body: { stream: true, ...usage, ...body } })).text()
  const events = dataOf(text)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data) as StreamEvent)
  const contents = events.map(({ choices, delta }) => choices?.[0]?.delta.content ?? delta?.text ?? '')
  const last = events.findLast(({ usage }) => usage)?.usage
  return {
    text,
    chunks: contents.filter((content) => content !== ''),
    tokens: last?.completion_tokens ?? last?.output_tokens,
  }
}

function stampsOf({ chunks }: Received): ChunkStamp[] {
  return chunks.map((chunk) => parseChunkStamp(chunk) ?? assert.fail(chunk))
}

const plansOf = (stream: Received) => stampsOf(stream).map((stamp) => stamp.plannedUs)

for (const caller of CALLERS) {
  describe(`a stream of ${caller.name}`, () => {
    test('has chunks at intervals that are drawn, none of them sent before it was due', async () => {
      await withMock({ firstToken: '5ms', tokenInterval: 'uniform:1ms:3ms', tokens: 20 }, async (mock) => {
        const stream = await streamOf(mock, caller)
        const stamps = stampsOf(stream)
        assert.deepEqual(
          stamps.map(({ index }) => index),
          Array.from({ length: 20 }, (_, index) => index),
        )
        const { plannedUs: first, actualUs } = delayOf(stream.text)
        assert.equal(first, 5_000)
        for (const [index, { sentNs, plannedUs: planned }] of stamps.entries()) {
          // The lateness of a chunk as the contract has it; 1 us for what rounding takes.
          const lateUs = Number(sentNs - stamps[0]!.sentNs) / 1_000 - planned + (actualUs - first)
          assert.ok(lateUs >= -1, `chunk ${index} was ${-lateUs} us early`)
        }
        const intervals = stamps.slice(1).map(({ plannedUs: planned }, at) => planned - stamps[at]!.plannedUs)
        assert.ok(
          intervals.every((us) => us >= 1_000 && us <= 3_000),
          intervals.join(),
        )
        assert.ok(new Set(intervals).size > 10, intervals.join())
      })
    })

    test('takes as long as all of its intervals together, each stream from the start of a trace', async () => {
      await withMock({ tokenInterval: { trace: [1, 2, 4] }, tokens: 6 }, async (mock) => {
        for (let i = 0; i < 2; i++) {
          assert.deepEqual(plansOf(await streamOf(mock, caller)), [0, 1_000, 3_000, 7_000, 8_000, 10_000])
        }
      })
    })

    test('keeps its server as long as its drawn intervals say', async () => {
      const config = { servers: 1, firstToken: 10, tokenInterval: 'uniform:1ms:3ms', tokens: 'uniform:5:15' }
      await withStoppedClock(config, async (mock, advanceMs) => {
        const streams = []
        for (let waiting = 1; waiting <= 4; waiting++) {
          streams.push(streamOf(mock, caller))
          await until(() => mock.server.waiting() === waiting)
        }
        advanceMs(10_000)
        let freeUs = 0
        for (const stream of await Promise.all(streams)) {
          assert.equal(plannedUs(stream.text), freeUs + 10_000)
          freeUs += 10_000 + plansOf(stream).at(-1)!
        }
      })
    })

    test('has one stamp and a word for each other token in a chunk of several, and tells of all tokens', async () => {
      await withMock({ tokens: 8, tokensPerChunk: 3, tokenInterval: 1 }, async (mock) => {
        for (const { body, words } of [
          { body: {}, words: [3, 3, 2] },
          { body: { max_tokens: 4 }, words: [3, 1] },
          { body: { max_tokens: 3 }, words: [3] },
          { body: { max_tokens: 1 }, words: [1] },
        ]) {
          const stream = await streamOf(mock, caller, body)
          for (const chunk of stream.chunks) assert.match(chunk, /^t\d+:\d+\+\d+ (?:more )*$/)
          assert.deepEqual(
            stream.chunks.map((chunk) => chunk.trim().split(' ').length),
            words,
          )
          // The tokens of a chunk take their time together.
          assert.deepEqual(
            plansOf(stream),
            words.map((_, index) => index * 3_000),
          )
          assert.equal(
            stream.tokens,
            words.reduce((sum, count) => sum + count),
          )
        }
      })
    })

    test('has as many tokens as are drawn', async () => {
      await withMock({ tokens: { trace: [3, 1, 5] } }, async (mock) => {
        for (const tokens of [3, 1, 5, 3]) {
          const stream = await streamOf(mock, caller)
          assert.deepEqual([stream.chunks.length, stream.tokens], [tokens, tokens])
        }
      })
    })
  })
}
