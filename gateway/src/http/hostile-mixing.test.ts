import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'

import {
  BOUNDED,
  post,
  RawCaller,
  readAnswers,
  type StrictProvider,
  strictProvider,
  wireAnswer,
} from './hostile.test-support.ts'
import {
  assertNothingLeaked,
  CHAT,
  eventually,
  providerFile,
  type RunningGateway,
  startGateway,
} from './test-support.ts'

/** Many at once on connections that they share, on both sides; every request, and every byte of its answer, carries a marker. */

interface RequestPlan {
  stream: boolean
  /** Before the answer, and between a stream's events. */
  delayMs: number
  fault: 'none' | 'reset' | 'cut' | 'error' | 'twice' | 'stray_later' | 'garbage'
}

interface CallerPlan {
  /** On one connection, one behind the other without waiting. */
  requests: RequestPlan[]
  /** Goes away after so long. */
  leavesAfterMs: number | undefined
}

const EVENTS = 4

const request: fc.Arbitrary<RequestPlan> = fc.record({
  stream: fc.boolean(),
  delayMs: fc.nat(6),
  fault: fc.oneof(
    { arbitrary: fc.constant('none' as const), weight: 6 },
    {
      arbitrary: fc.constantFrom('reset', 'cut', 'error', 'twice', 'stray_later', 'garbage'),
      weight: 4,
    },
  ),
})
const caller: fc.Arbitrary<CallerPlan> = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 4 }),
  leavesAfterMs: fc.option(fc.nat(15), { nil: undefined, freq: 3 }),
})

const marked = (marker: string): string => JSON.stringify({ id: marker, choices: [], note: marker })

async function answer(socket: Socket, marker: string, { stream, delayMs, fault }: RequestPlan): Promise<void> {
  await delay(delayMs)
  const whole = wireAnswer(marked(marker))
  if (fault === 'reset') socket.resetAndDestroy()
  else if (fault === 'garbage') socket.end(`${marker} is no answer`)
  else if (fault === 'error')
    socket.write(wireAnswer(`{"error":{"message":"${marker}"}}`).replace('200 OK', '500 Oops'))
  else if (stream) await answerStream(socket, marker, delayMs, fault)
  else if (fault === 'cut') socket.end(whole.slice(0, -5))
  else {
    socket.write(fault === 'twice' ? whole + whole : whole)
    if (fault === 'stray_later') setImmediate(() => socket.write(whole))
  }
}

async function answerStream(
  socket: Socket,
  marker: string,
  delayMs: number,
  fault: RequestPlan['fault'],
): Promise<void> {
  const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
  socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n')
  for (let event = 0; event < EVENTS; event++) {
    socket.write(chunk(`data: ${marked(marker)}\n\n`))
    await delay(delayMs)
    if (fault === 'cut') {
      socket.destroy()
      return
    }
  }
  const end = `${chunk('data: [DONE]\n\n')}0\r\n\r\n`
  socket.write(fault === 'twice' ? end + wireAnswer(marked(marker)) : end)
  if (fault === 'stray_later') setImmediate(() => socket.write(wireAnswer(marked(marker))))
}

/** What one caller got: its own answers, in the order of its requests, and nothing of anybody else's. */
function assertOwn(received: string, { requests }: CallerPlan, index: number, everything: boolean): void {
  const { answers, rest } = readAnswers(received)
  if (everything) assert.deepEqual([answers.length, rest], [requests.length, ''])
  assert.ok(answers.length <= requests.length)
  const texts = [...answers.map(({ body }) => body), ...(rest === '' ? [] : [rest])]
  for (const [at, text] of texts.entries()) {
    const own = `m-${index}-${at}-`
    for (const [marker] of text.matchAll(/m-\d+-\d+-/g)) assert.equal(marker, own)
  }
  for (const [at, { status, body }] of answers.entries()) {
    const { stream, fault } = requests[at]!
    const count = body.split(`m-${index}-${at}-`).length - 1
    if (status !== 200) assert.ok(fault !== 'none', `${status} without a fault: ${body}`)
    else if (!stream) assert.equal(count, 2)
    else if (fault === 'none') assert.deepEqual([count, body.endsWith('data: [DONE]\n\n')], [2 * EVENTS, true])
  }
}

async function call(gateway: RunningGateway, plan: CallerPlan, index: number): Promise<void> {
  const connection = new RawCaller(gateway)
  const bodies = plan.requests.map(({ stream }, at) =>
    post(JSON.stringify({ ...CHAT, user: `m-${index}-${at}-`, ...(stream && { stream: true }) })),
  )
  connection.socket.write(bodies.join(''))
  const leaves = plan.leavesAfterMs
  const gone = leaves === undefined ? undefined : delay(leaves).then(() => connection.socket.destroy())
  await connection.answered(plan.requests.length)
  await gone
  connection.socket.destroy()
  assertOwn(connection.received, plan, index, leaves === undefined)
}

async function assertNoneMixed(
  gateway: RunningGateway,
  provider: StrictProvider,
  plans: Map<string, RequestPlan>,
  callers: CallerPlan[],
): Promise<void> {
  plans.clear()
  for (const [index, { requests }] of callers.entries())
    for (const [at, plan] of requests.entries()) plans.set(`m-${index}-${at}-`, plan)
  await Promise.all(callers.map((plan, index) => call(gateway, plan, index)))
  assert.deepEqual(provider.violations, [])
  await eventually(() => {
    assertNothingLeaked(gateway)
  })
}

describe('fifty callers at once', BOUNDED, () => {
  for (const [how, changes] of [
    ['eight connections', { network_config: { max_conns_per_host: 8 } }],
    ['four workers', { concurrency_and_buffer_size: { concurrency: 4, buffer_size: 500 } }],
    [
      'retries',
      { network_config: { max_conns_per_host: 8, max_retries: 2, retry_backoff_initial: 1, retry_backoff_max: 2 } },
    ],
  ] as const) {
    test(`with ${how}: nobody sees anything of another’s answer`, async (t) => {
      const plans = new Map<string, RequestPlan>()
      const provider = await strictProvider(t, ({ body }, socket) => {
        const { user } = JSON.parse(body) as { user: string }
        void answer(socket, user, plans.get(user)!)
      })
      const gateway = await startGateway(t, {
        providers: {
          openai: providerFile(provider.url, {
            concurrency_and_buffer_size: { concurrency: 200, buffer_size: 500 },
            ...changes,
          }),
        },
      })
      await fc.assert(
        fc.asyncProperty(fc.array(caller, { minLength: 50, maxLength: 50 }), (callers) =>
          assertNoneMixed(gateway, provider, plans, callers),
        ),
        { numRuns: 4, endOnFailure: true },
      )
    })
  }
})
