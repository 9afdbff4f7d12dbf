import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { Questions, type Channel, type Question, type Reply } from './questions.ts'

/** One end of a channel in memory: what it sends arrives at the other end later, as it would from a process. */
class End implements Channel {
  readonly #events = new EventEmitter()
  other: End | undefined
  /** Why nothing can be sent; undefined while it can. */
  broken: Error | undefined

  send(message: unknown, sent: (error: Error | null) => void): void {
    const arrived = structuredClone(message)
    setImmediate(() => {
      sent(this.broken ?? null)
      if (!this.broken) this.other?.arrive(arrived)
    })
  }

  arrive(message: unknown): void {
    this.#events.emit('message', message)
  }

  on(event: 'message', listener: (message: unknown) => void): void {
    this.#events.on(event, listener)
  }
}

function channel(): [End, End] {
  const [here, there] = [new End(), new End()]
  here.other = there
  there.other = here
  return [here, there]
}

const METRICS: Question = { about: 'metrics' }
const never = (): Promise<Reply> => new Promise(() => undefined)

describe('Questions', () => {
  test('a question gets the reply of the other end, and both ends may ask', async () => {
    const [here, there] = channel()
    const asked: Question[] = []
    const answering = (name: string) => (question: Question) => {
      asked.push(question)
      return Promise.resolve({ value: `from ${name}` })
    }
    const mine = new Questions(here, answering('here'))
    const yours = new Questions(there, answering('there'))
    const change: Question = { about: 'change', patch: { latency: '2s', jitter: null } }
    assert.deepEqual(await Promise.all([mine.ask(change), yours.ask(METRICS)]), [
      { value: 'from there' },
      { value: 'from here' },
    ])
    assert.deepEqual(asked, [change, METRICS])
  })

  test('each reply finds its own question, in whatever order they come', async () => {
    const [here, there] = channel()
    const replies: ((reply: Reply) => void)[] = []
    new Questions(there, () => new Promise((resolve) => replies.push(resolve)))
    const mine = new Questions(here, never)
    const answers = [mine.ask(METRICS), mine.ask({ about: 'strict' }), mine.ask({ about: 'drain' })]
    while (replies.length < 3) await new Promise(setImmediate)
    for (const index of [2, 0, 1]) replies[index]!({ value: index })
    assert.deepEqual(await Promise.all(answers), [{ value: 0 }, { value: 1 }, { value: 2 }])
  })

  test('problems are a reply', async () => {
    const [here, there] = channel()
    new Questions(there, () => Promise.resolve({ problems: ['one', 'two'] }))
    assert.deepEqual(await new Questions(here, never).ask(METRICS), { problems: ['one', 'two'] })
  })

  test('an end that fails over a question says why, and goes on answering', async () => {
    const [here, there] = channel()
    let calls = 0
    new Questions(there, () =>
      calls++ === 0 ? Promise.reject(new Error('not now')) : Promise.resolve({ value: 'now' }),
    )
    const mine = new Questions(here, never)
    assert.deepEqual(await mine.ask(METRICS), { problems: ['not now'] })
    assert.deepEqual(await mine.ask(METRICS), { value: 'now' })
  })

  test('what was asked of a process that ends is rejected, all of it', async () => {
    const [here, there] = channel()
    new Questions(there, never)
    const mine = new Questions(here, never)
    const answers = [mine.ask(METRICS), mine.ask(METRICS)]
    mine.end()
    for (const answer of answers) await assert.rejects(answer, /ended before it had replied/)
  })

  test('what cannot be sent is rejected at once with the reason', async () => {
    const [here, there] = channel()
    new Questions(there, never)
    const mine = new Questions(here, never)
    here.broken = new Error('the channel is closed')
    await assert.rejects(mine.ask(METRICS), here.broken)
  })

  test('a reply that cannot be sent harms nobody', async () => {
    const [here, there] = channel()
    new Questions(there, () => {
      there.broken = new Error('the channel is closed')
      return Promise.resolve({ value: 1 })
    })
    const mine = new Questions(here, never)
    const answer = mine.ask(METRICS)
    while (!there.broken) await new Promise(setImmediate)
    await new Promise(setImmediate)
    mine.end()
    await assert.rejects(answer)
  })

  test('other messages of the channel are none of its business, nor replies that nobody waits for', async () => {
    const [here, there] = channel()
    const asked: Question[] = []
    new Questions(there, (question) => {
      asked.push(question)
      return Promise.resolve({ value: 'right' })
    })
    const mine = new Questions(here, never)
    for (const message of [null, 'reply', 7, {}, { kind: 'listening', url: 'x' }, { kind: 'reply', id: 99 }]) {
      here.send(message, () => undefined)
      there.send(message, () => undefined)
    }
    assert.deepEqual(await mine.ask(METRICS), { value: 'right' })
    assert.deepEqual(asked, [METRICS])
  })
})
