import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { AnswerSink } from './answer-sink.ts'
import { TokenStream, type StreamFault, type StreamHost, type StreamScript } from './stream.ts'
import { parseChunkStamp, type MockDelay } from './truth.ts'

const SCRIPT_START = '<'
const SCRIPT_END = '>'

/** A stream on virtual time, to a caller who takes everything until told not to. */
function virtualStream(options: {
  chunks: number
  firstUs: number
  /** One for all, or one for each chunk after the first. */
  intervalNs: number | readonly number[]
  fault?: StreamFault
}) {
  const startNs = 1_000
  let nowNs = startNs
  let dueNs: number | undefined = startNs + options.firstUs * 1_000
  let takes = true
  let ended = 0
  const written: { text: string; atNs: number }[] = []
  const delays: MockDelay[] = []
  const chunkTimes: { index: number; atNs: number; plannedUs: number }[] = []

  const { intervalNs } = options
  let intervals = 0
  const nextIntervalNs = () => (typeof intervalNs === 'number' ? intervalNs : intervalNs[intervals++]!)

  const sink: AnswerSink & EventEmitter = Object.assign(new EventEmitter(), {
    destroyed: false,
    writeHead: () => undefined,
    write: (text: string) => {
      written.push({ text, atNs: nowNs })
      return takes
    },
    end: (text: string) => written.push({ text, atNs: nowNs }),
  })
  const socket = { destroyed: false, closedSoon: false, destroySoon: () => (socket.closedSoon = true) }
  const script: StreamScript = {
    chunks: options.chunks,
    begin(delay) {
      delays.push(delay)
      return SCRIPT_START
    },
    chunk(index, text) {
      const stamp = parseChunkStamp(text)
      chunkTimes.push({ index, atNs: Number(stamp?.sentNs), plannedUs: stamp?.plannedUs ?? NaN })
      return `${index},`
    },
    end: () => SCRIPT_END,
  }
  const host: StreamHost = {
    clock: () => nowNs,
    monotonicNs: () => BigInt(nowNs),
    unixSec: () => 0,
    schedule: (ns) => (dueNs = ns),
    stalled: () => (dueNs = undefined),
    resumed: (stream) => {
      stream.release()
    },
    ended: () => {
      dueNs = undefined
      ended++
    },
  }
  const stream = new TokenStream({
    sink,
    socket: socket as unknown as Socket,
    script,
    pace: { startNs, firstUs: options.firstUs, nextIntervalNs },
    writeHead: () => written.push({ text: 'head', atNs: nowNs }),
    filler: () => '',
    fault: options.fault,
    host,
  })
  return {
    stream,
    socket,
    startNs,
    delays,
    chunkTimes,
    text: () => written.map(({ text }) => text).join(''),
    due: () => dueNs,
    ended: () => ended,
    stopTaking: () => (takes = false),
    drain: () => {
      takes = true
      sink.emit('drain')
    },
    /** The next release, so much later than due. */
    step: (lateNs = 0) => {
      assert.ok(dueNs !== undefined)
      nowNs = Math.max(nowNs, dueNs + lateNs)
      stream.release()
    },
  }
}

function indexes(count: number): string {
  return Array.from({ length: count }, (_, i) => `${i},`).join('')
}

describe('a stream', () => {
  test('writes each chunk once, in order, none early, and stays on its deadlines however late it is released', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 2_000_000 }),
        fc.array(fc.integer({ min: 0, max: 50_000_000 }), { minLength: 60, maxLength: 60 }),
        fc.array(fc.integer({ min: 0, max: 120_000_000 }), { minLength: 1, maxLength: 60 }),
        (chunks, firstUs, intervals, lateNs) => {
          const { step, due, ended, text, chunkTimes, delays, startNs } = virtualStream({
            chunks,
            firstUs,
            intervalNs: intervals,
          })
          const plannedNs = (index: number) => intervals.slice(0, index).reduce((sum, ns) => sum + ns, 0)
          const dueOf = (index: number) => startNs + firstUs * 1_000 + plannedNs(index)
          for (let i = 0; due() !== undefined; i++) {
            assert.equal(due(), dueOf(chunkTimes.length))
            step(lateNs[i % lateNs.length])
          }
          assert.equal(text(), `head${SCRIPT_START}${indexes(chunks)}${SCRIPT_END}`)
          assert.equal(ended(), 1)
          for (const { index, atNs, plannedUs } of chunkTimes) {
            assert.ok(atNs >= dueOf(index))
            assert.equal(plannedUs, Math.round(plannedNs(index) / 1_000))
          }
          const actualUs = Math.floor((chunkTimes[0]!.atNs - startNs) / 1_000)
          assert.deepEqual(delays, [{ plannedUs: firstUs, actualUs }])
        },
      ),
    )
  })

  test('catches up with all that is overdue at once', () => {
    const { step, text, due, startNs } = virtualStream({ chunks: 10, firstUs: 0, intervalNs: 100 })
    step(450)
    assert.equal(text(), `head${SCRIPT_START}${indexes(5)}`)
    assert.equal(due(), startNs + 500)
  })

  test('writes no more than a batch beyond what a slow reader takes, and all of it once that reads', () => {
    const chunks = 100_000
    const { step, text, due, stopTaking, drain, ended } = virtualStream({ chunks, firstUs: 0, intervalNs: 0 })
    stopTaking()
    step()
    assert.equal(due(), undefined)
    const held = text().length
    assert.ok(held > 0 && held < 20_000, `${held} characters`)
    assert.equal(ended(), 0)
    drain()
    while (due() !== undefined) step()
    assert.equal(text(), `head${SCRIPT_START}${indexes(chunks)}${SCRIPT_END}`)
    assert.equal(ended(), 1)
  })

  test('that is cut ends with its connection after half of its chunks', () => {
    for (const [chunks, before] of [
      [20, 10],
      [5, 3],
      [1, 1],
    ] as const) {
      const { step, due, text, socket, ended } = virtualStream({
        chunks,
        firstUs: 0,
        intervalNs: 10,
        fault: { kind: 'cut' },
      })
      while (due() !== undefined) step()
      assert.equal(text(), `head${SCRIPT_START}${indexes(before)}`)
      assert.equal(socket.closedSoon, true)
      assert.equal(ended(), 1)
    }
  })

  test('that stalls goes on after it, with all that has become due, and says that it was planned earlier', () => {
    const { step, due, text, startNs, chunkTimes, ended } = virtualStream({
      ...{ chunks: 4, firstUs: 0, intervalNs: 1_000 },
      fault: { kind: 'stall', forMs: 1 },
    })
    step()
    step()
    assert.equal(due(), startNs + 2_000 + 1_000_000)
    step()
    assert.equal(due(), startNs + 3_000 + 1_000_000)
    step()
    assert.equal(text(), `head${SCRIPT_START}${indexes(4)}${SCRIPT_END}`)
    assert.deepEqual(
      chunkTimes.map(({ plannedUs }) => plannedUs),
      [0, 1, 2, 3],
    )
    assert.equal(ended(), 1)
  })

  test('that is truncated ends in the middle, and its answer with it', () => {
    const { step, due, text, socket, ended } = virtualStream({
      ...{ chunks: 4, firstUs: 0, intervalNs: 0 },
      fault: { kind: 'truncate' },
    })
    while (due() !== undefined) step()
    assert.equal(text(), `head${SCRIPT_START}${indexes(2)}`)
    assert.equal(socket.closedSoon, false)
    assert.equal(ended(), 1)
  })

  test('writes nothing more to a caller that is gone', () => {
    const { step, text, due, socket, ended } = virtualStream({ chunks: 10, firstUs: 0, intervalNs: 10 })
    step()
    const before = text()
    socket.destroyed = true
    step()
    assert.equal(text(), before)
    assert.equal(due(), undefined)
    assert.equal(ended(), 1)
  })
})
