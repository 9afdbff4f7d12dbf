import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { parseRunConfig } from '../config.ts'
import { TargetError } from '../errors.ts'
import { direct } from './direct.ts'
import { heldBy, relayTarget } from './relay.ts'

const context = (mockUrl: string) => ({ config: parseRunConfig({}), mockUrl, connections: 2 })

describe('the target that is a relay', () => {
  test('is called by its delay, or as it is told', () => {
    assert.deepEqual(
      [relayTarget(0), relayTarget(100), relayTarget(2_000), relayTarget(0, 'splice-again')].map(({ name }) => name),
      ['splice', 'relay-100us', 'relay-2000us', 'splice-again'],
    )
    assert.equal(relayTarget(0).title, 'a TCP relay that passes bytes on and does nothing else')
    assert.equal(relayTarget(500).title, 'a TCP relay that adds 500 us to each request')
  })

  test('stopped with open connections it ends them and tells how long it held what it passed on', async () => {
    const mock = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (bytes: Buffer) => socket.write(bytes))
    })
    mock.listen(0, '127.0.0.1')
    await once(mock, 'listening')
    const { port } = mock.address() as AddressInfo
    try {
      const relay = await relayTarget(2_000).start(context(`http://127.0.0.1:${port}`))
      const { port: relayPort } = new URL(relay.url)
      const caller: Socket = connect({ host: '127.0.0.1', port: Number(relayPort) })
      for (let i = 0; i < 3; i++) {
        caller.write('ping')
        await once(caller, 'data')
      }
      assert.equal(heldBy(relay), undefined)
      assert.ok(relay.pid !== undefined)
      const rest = text(caller)
      await relay.stop()
      assert.equal(await rest, '')
      assert.deepEqual(await relay.exited, { code: 0, signal: undefined })
      const held = heldBy(relay)
      assert.equal(held?.count, 3)
      assert.ok(held.meanUs >= 2_000 && held.maxUs >= held.meanUs)
    } finally {
      mock.close()
    }
  })

  test('that nobody called held nothing', async () => {
    const relay = await relayTarget(0).start(context('http://127.0.0.1:9'))
    await relay.stop()
    assert.equal(relay.stderrTail?.(), '{"event":"held","count":0}')
    assert.equal(heldBy(relay), undefined)
  })

  test('cannot be started where the flags are wrong, and says why', async () => {
    await assert.rejects(relayTarget(-1).start(context('http://127.0.0.1:9')), (error) => {
      assert.ok(error instanceof TargetError)
      assert.match(error.message, /ended with code 2 .*\n.*--delay-us: must be .*, got "-1"/)
      return true
    })
  })

  test('any other target holds nothing', async () => {
    assert.equal(heldBy(await direct.start(context('http://127.0.0.1:9'))), undefined)
  })
})
