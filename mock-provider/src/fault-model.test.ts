import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFault, randomFaults, type FaultRates } from './fault-model.ts'
import { seededRandom } from './random.ts'

const NO_FAULTS: FaultRates = { errorRate: 0, errorStatus: 500, resetRate: 0, hangRate: 0, cutRate: 0 }

function kindsOf(rates: Partial<FaultRates>, seed: number, count: number): string[] {
  const faults = randomFaults({ ...NO_FAULTS, ...rates }, seededRandom(seed))
  return Array.from({ length: count }, () => faults.next()?.kind ?? 'none')
}

test('each fault comes to its share of the requests', () => {
  const count = 100_000
  const kinds = kindsOf({ errorRate: 0.01, resetRate: 0.02, hangRate: 0.03, cutRate: 0.04 }, 1, count)
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
  assert.deepEqual(kindsOf({ errorRate: 0.5 }, 7, 100), kindsOf({ errorRate: 0.5 }, 7, 100))
  assert.notDeepEqual(kindsOf({ errorRate: 0.5 }, 7, 100), kindsOf({ errorRate: 0.5 }, 8, 100))
})

test('a rate of 1 is every request, and the error has the status asked for', () => {
  assert.deepEqual(new Set(kindsOf({ resetRate: 1 }, 1, 1_000)), new Set(['reset']))
  const faults = randomFaults({ ...NO_FAULTS, errorRate: 1, errorStatus: 503 }, seededRandom(1))
  assert.deepEqual(faults.next(), { kind: 'error', status: 503 })
})

test('without rates nothing is drawn', () => {
  const faults = randomFaults(NO_FAULTS, () => assert.fail('drawn'))
  assert.equal(faults.next(), undefined)
})

test('a fault that a request asks for is read from its header', () => {
  assert.deepEqual(parseFault('reset'), { kind: 'reset' })
  assert.deepEqual(parseFault('hang'), { kind: 'hang' })
  assert.deepEqual(parseFault('cut'), { kind: 'cut' })
  assert.deepEqual(parseFault('error=503'), { kind: 'error', status: 503 })
  assert.deepEqual(parseFault('error=429; retry-after=2'), { kind: 'error', status: 429, retryAfterSec: 2 })
})

test('a fault that does not exist is refused with what would be right', () => {
  for (const text of ['', 'error', 'error=200', 'error=600', 'error=503;retry-after=x', 'explode']) {
    assert.throws(() => parseFault(text), {
      statusCode: 400,
      message: `x-mock-fault: "${text}" is not a fault; write error=<400 to 599>, error=429;retry-after=<seconds>, reset, hang or cut`,
    })
  }
})
