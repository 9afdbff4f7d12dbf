import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { ContextPool, RequestContext } from './request-context.ts'

class PlainContext extends RequestContext {
  override settled(): void {
    // The pool does not settle.
  }

  override streamStarted(): void {
    // Nor does it stream.
  }

  override streamed(): boolean {
    return true
  }

  override cutOff(): void {
    // Nor this.
  }
}

const poolOf = (size: number): ContextPool<PlainContext> => new ContextPool(size, () => new PlainContext())

describe('ContextPool', () => {
  test('the initial contexts are made before the first request', () => {
    const pool = poolOf(3)
    assert.deepEqual([pool.total, pool.inUse, pool.grown], [3, 0, 0])
  })

  test('the context that was released last is taken first', () => {
    const pool = poolOf(2)
    const [one, other] = [pool.acquire(), pool.acquire()]
    pool.release(one)
    pool.release(other)
    assert.equal(pool.acquire(), other)
    assert.equal(pool.acquire(), one)
  })

  test('an empty free list grows, and the growth is counted', () => {
    const pool = poolOf(1)
    const contexts = [pool.acquire(), pool.acquire()]
    assert.deepEqual([pool.total, pool.inUse, pool.grown], [2, 2, 1])
    for (const context of contexts) pool.release(context)
    assert.deepEqual([pool.total, pool.inUse, pool.grown], [2, 0, 1])
  })

  test('a released context keeps nothing of its request', () => {
    const pool = poolOf(1)
    const context = pool.acquire()
    context.body = { model: 'm', messages: [] }
    context.payload = 'x'
    context.answer = Buffer.from('x')
    context.errorCode = 'queue_full'
    context.retries = 2
    context.inputTokens = 3
    context.streamBegun = true
    context.status = 200
    context.holdsWorker = true
    context.passedHeaders.push('x-request-id', '1')
    pool.release(context)
    const fresh = new PlainContext()
    const { clock: _clock, waitLink: _waitLink, deadlineLink: _deadlineLink, ...kept } = context
    for (const [member, value] of Object.entries(kept)) {
      assert.deepEqual(value, fresh[member as keyof typeof kept], member)
    }
  })

  test('releasing twice is an error: two requests would share the context', () => {
    const pool = poolOf(1)
    const context = pool.acquire()
    pool.release(context)
    assert.throws(() => {
      pool.release(context)
    }, /twice/)
  })
})
