import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'

import { type GatewayConfigFile, parseConfig } from '../config.ts'
import { answerCompletion, eventually, type FakeProvider, providerFile, startProvider } from '../http/test-support.ts'
import type { RequestLog, RequestRecord } from './request-log.ts'
import { CallContext } from './call-context.ts'
import { type FailureRecord, Pipeline } from './pipeline.ts'

const BODY = { model: 'openai/m', messages: [{ role: 'user', content: 'hi' }] }

/** A log whose rows are written when the test says so. */
class HeldLog implements RequestLog {
  readonly rows: RequestRecord[] = []
  readonly counters = { written: 0, dropped: 0, waiting: 0, failures: 0, batches: 0 }
  readonly writes: (() => void)[] = []

  add(record: RequestRecord): Promise<void> {
    this.rows.push(record)
    return new Promise((resolve) => this.writes.push(resolve))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

function startPipeline(
  t: TestContext,
  provider: FakeProvider,
  requestLog?: RequestLog,
  file: GatewayConfigFile['providers'] = { openai: providerFile(provider.url) },
) {
  const failures: FailureRecord[] = []
  const { config } = parseConfig({ config: { initial_pool_size: 1 }, providers: file }, {})
  const pipeline = new Pipeline<CallContext>(config, {
    createContext: () => new CallContext(),
    onFailure: (failure) => failures.push(failure),
    ...(requestLog && { requestLog, logBeforeAnswer: true }),
  })
  t.after(() => {
    pipeline.close()
  })
  const statuses: number[] = []
  const call = (body: object = BODY): CallContext => {
    const context = pipeline.admit('chat_completion')
    context.attach({
      settled: (status) => statuses.push(status),
      chunk: () => true,
      cutOff: () => undefined,
      unreadable: () => undefined,
    })
    pipeline.serve(context, body)
    return context
  }
  return { pipeline, failures, statuses, call }
}

describe('a caller who leaves', () => {
  test('is accounted with the time that it has waited', async (t) => {
    const provider = await startProvider(t, () => undefined)
    const { pipeline, call } = startPipeline(t, provider)
    const context = call()
    await eventually(() => {
      assert.equal(provider.requests.length, 1)
    })
    await new Promise((resolve) => setTimeout(resolve, 60))
    pipeline.abandon(context)
    const { durationS, byStatus } = pipeline.traffic.unlabelled.types.get('chat_completion')!
    assert.equal(byStatus.get(499), 1)
    assert.ok(durationS.sum >= 0.059, `${durationS.sum} s`)
  })

  test('is told from a provider that answers 499, which counts once', async (t) => {
    const provider = await startProvider(t, (_request, response) => {
      response.writeHead(499).end('{}')
    })
    const { pipeline, failures, statuses, call } = startPipeline(t, provider)
    call()
    await eventually(() => {
      assert.deepEqual(statuses, [499])
    })
    assert.equal(failures.length, 1)
    assert.equal(pipeline.traffic.unlabelled.route('openai', 'm').errors.get(499), 1)
    assert.equal(pipeline.histograms.requests, 1)
  })
})

describe('a log in synchronous mode', () => {
  test('has its row before the answer goes', async (t) => {
    const provider = await startProvider(t, answerCompletion)
    const log = new HeldLog()
    const { statuses, call } = startPipeline(t, provider, log)
    call()
    await eventually(() => {
      assert.equal(log.rows.length, 1)
    })
    assert.deepEqual(statuses, [])
    log.writes[0]!()
    await eventually(() => {
      assert.deepEqual(statuses, [200])
    })
    assert.equal(log.rows.length, 1)
  })

  test('has a row of a caller who left, too', async (t) => {
    const provider = await startProvider(t, () => undefined)
    const log = new HeldLog()
    const { pipeline, call } = startPipeline(t, provider, log)
    const context = call()
    await eventually(() => {
      assert.equal(provider.requests.length, 1)
    })
    pipeline.abandon(context)
    assert.deepEqual(
      log.rows.map(({ status, errorCode }) => [status, errorCode]),
      [[499, 'caller_gone']],
    )
  })

  test('of a caller who left while its row was written does not answer the next one', async (t) => {
    const provider = await startProvider(t, answerCompletion)
    const log = new HeldLog()
    const { pipeline, statuses, call } = startPipeline(t, provider, log)
    const first = call()
    await eventually(() => {
      assert.equal(log.rows.length, 1)
    })
    pipeline.abandon(first)
    // The same context serves again.
    assert.equal(call(), first)
    await eventually(() => {
      assert.equal(log.rows.length, 2)
    })
    log.writes[0]!()
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(statuses, [])
    log.writes[1]!()
    await eventually(() => {
      assert.deepEqual(statuses, [200])
    })
  })
})

test('a stream that is alive is not idle, also when nothing of it is for the caller', async (t) => {
  const events = (...data: object[]): string => data.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('')
  const provider = await startProvider(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const message = {
      id: 'msg_1',
      model: 'm',
      role: 'assistant',
      content: [],
      usage: { input_tokens: 1, output_tokens: 1 },
    }
    response.write(events({ type: 'message_start', message }))
    let thoughts = 0
    const thinking = setInterval(() => {
      const delta = { type: 'thinking_delta', thinking: 'hm' }
      response.write(events({ type: 'content_block_delta', index: 0, delta }))
      if (++thoughts < 8) return
      clearInterval(thinking)
      response.end(
        events(
          { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
          { type: 'message_stop' },
        ),
      )
    }, 100)
  })
  // Thinks for 0.8 s; each of its thoughts comes well within the limit.
  const network = { stream_idle_timeout_in_seconds: 0.5 }
  const { statuses, failures, call } = startPipeline(t, provider, undefined, {
    anthropic: providerFile(provider.url, { network_config: network }),
  })
  call({ ...BODY, model: 'anthropic/m', stream: true })
  await eventually(() => {
    assert.deepEqual([statuses, failures], [[200], []])
  })
})
