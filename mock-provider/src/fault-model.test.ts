import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFault, randomFaults, type Fault, type FaultShare } from './fault-model.ts'
import { seededRandom } from './random.ts'

const ERROR: Fault = { kind: 'error', status: 503 }

function kindsOf(shares: readonly FaultShare[], seed: number, count: number): string[] {
  const faults = randomFaults(shares, seededRandom(seed))
  return Array.from({ length: count }, () => faults()?.kind ?? 'none')
}

test('each fault comes to its share of the requests', () => {
  const count = 100_000
  const kinds = kindsOf(
    [
      { share: 0.01, fault: ERROR },
      { share: 0.02, fault: { kind: 'reset' } },
      { share: 0.03, fault: { kind: 'hang' } },
      { share: 0.04, fault: { kind: 'cut' } },
    ],
    1,
    count,
  )
  for (const [kind, rate] of [
    ['error', 0.01],
    ['reset', 0.02],
    ['hang', 0.03],
    ['cut', 0.04],
    ['none', 0.9],
  ] as const) {
    const share = kinds.filter((each) => each === kind).length / count
    // Five standard deviations of a binomial share.
    assert.ok(Math.abs(share - rate) < 5 * Math.sqrt((rate * (1 - rate)) / count), `${kind}: ${share}`)
  }
})

test('the same seed decides the same faults, another seed others', () => {
  const half = [{ share: 0.5, fault: ERROR }]
  assert.deepEqual(kindsOf(half, 7, 100), kindsOf(half, 7, 100))
  assert.notDeepEqual(kindsOf(half, 7, 100), kindsOf(half, 8, 100))
})

test('a rate of 1 is every request, and the error has the status asked for', () => {
  assert.deepEqual(new Set(kindsOf([{ share: 1, fault: { kind: 'reset' } }], 1, 1_000)), new Set(['reset']))
  assert.deepEqual(randomFaults([{ share: 1, fault: ERROR }], seededRandom(1))(), ERROR)
})

test('without rates nothing is drawn', () => {
  const faults = randomFaults([{ share: 0, fault: ERROR }], () => assert.fail('drawn'))
  assert.equal(faults(), undefined)
})

test('a fault that a request asks for is read from its header', () => {
  for (const kind of ['reset', 'hang', 'cut', 'truncate', 'garble', 'close'])
    assert.deepEqual(parseFault(kind), { kind })
  assert.deepEqual(parseFault('stall=2s'), { kind: 'stall', forMs: 2_000 })
  assert.deepEqual(parseFault('slow-headers = 300'), { kind: 'slow-headers', forMs: 300 })
  assert.deepEqual(parseFault('error=503'), { kind: 'error', status: 503 })
  assert.deepEqual(parseFault('error=429; retry-after=2'), { kind: 'error', status: 429, retryAfterSec: 2 })
})

test('a fault that does not exist is refused with what would be right', () => {
  for (const text of ['', 'error', 'error=200', 'error=600', 'error=503;retry-after=x', 'stall', 'explode']) {
    assert.throws(() => parseFault(text), {
      statusCode: 400,
      message: `x-mock-fault: "${text}" is not a fault; write error=<400 to 599>, error=429;retry-after=<seconds>, reset, hang, cut, truncate, garble, close, stall=<duration> or slow-headers=<duration>`,
    })
  }
})

test('a fault that lasts has a duration of an hour at most', () => {
  assert.deepEqual(parseFault('stall=3600s'), { kind: 'stall', forMs: 3_600_000 })
  for (const [text, message] of [
    ['stall=x', 'x-mock-fault: stall: "x" is not a duration; write 1500, 1500ms or 1.5s'],
    ['stall=3601s', 'x-mock-fault: stall: must be at most 3600000 ms, got 3601000 ms'],
    ['slow-headers=3600001', 'x-mock-fault: slow-headers: must be at most 3600000 ms, got 3600001 ms'],
  ] as const) {
    assert.throws(() => parseFault(text), { statusCode: 400, message })
  }
})
