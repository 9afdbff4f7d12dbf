import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'

import { post, RawCaller, strictProvider, wireAnswer } from './hostile.test-support.ts'
import { assertNothingLeaked, CHAT, COMPLETION, eventually, providerFile, startGateway } from './test-support.ts'

/** A hang is a failure. */
const BOUNDED = { timeout: 30_000 }
/** More than what the kernel keeps on its way over loopback, and just what one event may have. */
const PAD = 'x'.repeat(4_000_000)
const LARGE = JSON.stringify({ ...COMPLETION, pad: PAD })
const STREAM = JSON.stringify({ ...CHAT, stream: true })
/** Of a connection without a request, as the server has it: Node waits a second longer than it says. */
const KEEP_ALIVE_MS = 600_000

/** A provider whose answers to `user: 'slow'` wait for a call. */
async function start(t: TestContext, limitS: number) {
  const slow: Socket[] = []
  const provider = await strictProvider(t, ({ body }, socket) => {
    if (body.includes('"slow"')) slow.push(socket)
    else if (!body.includes('"stream"')) socket.write(wireAnswer(LARGE))
    else {
      const event = `data: {"id":"1","choices":[],"pad":"${PAD}"}\n\ndata: [DONE]\n\n`
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${event.length}\r\n\r\n${event}`,
      )
    }
  })
  const gateway = await startGateway(t, {
    providers: { openai: providerFile(provider.url, { network_config: { stream_idle_timeout_in_seconds: limitS } }) },
  })
  const accepted = once(gateway.app.server, 'connection') as Promise<[Socket]>
  const caller = new RawCaller(gateway)
  const [peer] = await accepted
  return { gateway, caller, peer, slow }
}

describe('an answer that its caller does not read', BOUNDED, () => {
  for (const [what, body] of [
    ['whole', undefined],
    ['the end of a stream', STREAM],
  ] as const) {
    test(`is given up after the limit: ${what}`, async (t) => {
      const { gateway, caller, peer } = await start(t, 1)
      caller.socket.pause()
      caller.socket.write(post(body))
      await new Promise((resolve) => peer.once('close', resolve))
      await eventually(() => {
        assertNothingLeaked(gateway)
      })
    })
  }

  test('and then reads: it gets all of it, and the connection stays for the next, idle as long as ever', async (t) => {
    const { caller, peer } = await start(t, 20)
    caller.socket.pause()
    caller.socket.write(post())
    await eventually(() => {
      assert.equal(peer.timeout, 20_000)
    })
    caller.socket.resume()
    const [first] = await caller.answered(1)
    assert.equal(first!.status, 200)
    await eventually(() => {
      assert.ok(peer.timeout! >= KEEP_ALIVE_MS, `${peer.timeout} ms`)
    })
    caller.socket.write(post())
    assert.equal((await caller.answered(2)).length, 2)
    await eventually(() => {
      assert.ok(peer.timeout! >= KEEP_ALIVE_MS, `${peer.timeout} ms`)
    })
    caller.socket.destroy()
  })

  test('limits no other one that is still being made, before it in the row or after', async (t) => {
    const { gateway, caller, peer, slow } = await start(t, 20)
    const slowly = post(JSON.stringify({ ...CHAT, user: 'slow' }))
    caller.socket.write(slowly + post() + slowly)
    const { contexts } = gateway.gateway
    await eventually(() => {
      // The one in the middle is in hand.
      assert.deepEqual([slow.length, contexts.inUse], [2, 2])
    })
    assert.equal(peer.timeout ?? 0, 0)
    slow.shift()!.write(wireAnswer('{"id":"1"}'))
    assert.equal((await caller.answered(2)).length, 2)
    await eventually(() => {
      assert.equal(peer.timeout, 0)
    })
    slow.shift()!.write(wireAnswer('{"id":"3"}'))
    const answers = await caller.answered(3)
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    )
    assert.match(answers[2]!.body, /"id":"3"/)
    caller.socket.destroy()
  })
})
