import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { drained, type Draining } from './drain.ts'

/** What a server has, over virtual time: each entry holds from its instant on. */
function timeline(...moments: { atMs: number; requests?: number; connections?: number; sending?: boolean }[]) {
  let nowMs = 0
  let cut = false
  const at = () => moments.findLast(({ atMs }) => atMs <= nowMs)!
  const server: Draining = {
    get requests() {
      return at().requests ?? 0
    },
    get connections() {
      return at().connections ?? 0
    },
    get sending() {
      return at().sending ?? false
    },
    closeIdle: () => undefined,
    cutAll: () => {
      cut = true
      return Promise.resolve()
    },
  }
  const surroundings = {
    nowMs: () => nowMs,
    sleep: (ms: number) => {
      nowMs += ms
      return Promise.resolve()
    },
  }
  return {
    run: async (limitMs: number) => ({ requests: await drained(server, limitMs, surroundings), cut, endedMs: nowMs }),
  }
}

describe('drained', () => {
  test('ends with the last connection', async () => {
    const server = timeline({ atMs: 0, requests: 1, connections: 1 }, { atMs: 2_000 })
    assert.deepEqual(await server.run(30_000), { requests: 0, cut: false, endedMs: 2_000 })
  })

  test('cuts what runs at the limit, and tells how many', async () => {
    const server = timeline({ atMs: 0, requests: 3, connections: 4 })
    assert.deepEqual(await server.run(5_000), { requests: 3, cut: true, endedMs: 5_000 })
  })

  test('waits for an answer that is on its way out', async () => {
    const server = timeline({ atMs: 0, sending: true, connections: 1 }, { atMs: 4_000 })
    assert.deepEqual(await server.run(30_000), { requests: 0, cut: false, endedMs: 4_000 })
  })

  test('half a head gets a second after the last request, which is not a request cut', async () => {
    const server = timeline({ atMs: 0, requests: 1, connections: 2 }, { atMs: 3_000, connections: 1 })
    const { requests, cut, endedMs } = await server.run(30_000)
    assert.deepEqual([requests, cut], [0, true])
    assert.ok(endedMs >= 3_980 && endedMs <= 4_020, String(endedMs))
  })

  test('a limit of 0 cuts at once', async () => {
    const server = timeline({ atMs: 0, requests: 2, connections: 2 })
    assert.deepEqual(await server.run(0), { requests: 2, cut: true, endedMs: 0 })
  })
})
