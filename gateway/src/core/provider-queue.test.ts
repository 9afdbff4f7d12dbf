import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { Link } from './linked-list.ts'
import { ProviderQueue } from './provider-queue.ts'

function queueOf(concurrency: number, bufferSize: number, dropExcess = false) {
  const taken: number[] = []
  const queue = new ProviderQueue<number>({
    concurrency,
    bufferSize,
    dropExcess,
    process: (job) => {
      taken.push(job)
    },
  })
  const links = Array.from({ length: 100 }, (_, index) => new Link(index))
  const enter = (...jobs: number[]): void => {
    for (const job of jobs) queue.enter(links[job]!)
  }
  return { queue, taken, links, enter }
}

describe('ProviderQueue', () => {
  test('a free worker takes the job within the call', () => {
    const { taken, enter } = queueOf(2, 2)
    enter(0, 1, 2)
    assert.deepEqual(taken, [0, 1])
  })

  test('a worker that is done takes the job that came first', () => {
    const { queue, taken, enter } = queueOf(1, 5)
    enter(0, 1, 2)
    queue.leave()
    queue.leave()
    assert.deepEqual(taken, [0, 1, 2])
    queue.leave()
    assert.equal(queue.active, 0)
  })

  test('full: jobs wait for room behind the buffer and are served in order of arrival', () => {
    const { queue, taken, enter } = queueOf(1, 2)
    enter(0, 1, 2, 3, 4)
    assert.equal(queue.buffered, 2)
    assert.equal(queue.waitingForRoom, 2)
    queue.leave()
    assert.equal(queue.buffered, 2)
    assert.equal(queue.waitingForRoom, 1)
    for (let left = 0; left < 4; left++) queue.leave()
    assert.deepEqual(taken, [0, 1, 2, 3, 4])
  })

  test('full and excess is dropped: rejected at once with the documented error', () => {
    const { queue, enter } = queueOf(1, 2, true)
    enter(0, 1, 2)
    assert.throws(
      () => {
        enter(3)
      },
      { code: 'queue_full', status: 503, type: 'request_dropped', message: 'request dropped: queue is full' },
    )
    assert.equal(queue.buffered, 2)
    queue.leave()
    enter(4)
    assert.equal(queue.buffered, 2)
  })

  test('a job that withdraws is never taken, and frees its place', () => {
    const { queue, taken, links, enter } = queueOf(1, 1, true)
    enter(0, 1)
    assert.equal(queue.withdraw(links[1]!), true)
    enter(2)
    queue.leave()
    assert.deepEqual(taken, [0, 2])
    assert.equal(queue.withdraw(links[2]!), false)
  })

  test('a long line of jobs that end at once does not overflow the stack', () => {
    const links = Array.from({ length: 50_000 }, (_, index) => new Link(index))
    let held = true
    let processed = 0
    const queue: ProviderQueue<number> = new ProviderQueue({
      concurrency: 1,
      bufferSize: 50_000,
      dropExcess: false,
      process: () => {
        processed++
        if (!held) queue.leave()
      },
    })
    for (const link of links) queue.enter(link)
    held = false
    queue.leave()
    assert.equal(processed, 50_000)
    assert.equal(queue.active, 0)
  })

  test('never more at work than workers, never a job lost or twice, whatever the order of events', () => {
    const event = fc.oneof(fc.constant('enter'), fc.constant('leave'), fc.constant('withdraw'))
    fc.assert(
      fc.property(fc.array(event, { maxLength: 90 }), fc.integer({ min: 1, max: 4 }), (events, concurrency) => {
        const { queue, taken, links, enter } = queueOf(concurrency, 4)
        let entered = 0
        const gone = new Set<number>()
        for (const kind of events) {
          if (kind === 'enter') enter(entered++)
          else if (kind === 'leave' && queue.active > 0) queue.leave()
          else if (kind === 'withdraw' && entered > 0 && queue.withdraw(links[entered - 1]!)) gone.add(entered - 1)
          assert.ok(queue.active <= concurrency)
          assert.ok(queue.active === concurrency || queue.buffered === 0)
        }
        while (queue.active > 0) queue.leave()
        const expected = Array.from({ length: entered }, (_, job) => job).filter((job) => !gone.has(job))
        assert.deepEqual(taken, expected)
      }),
    )
  })
})
