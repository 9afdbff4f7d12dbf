import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startMock } from '../mock-process.ts'
import type { RunningProgram } from '../processes.ts'
import { parseRunConfig } from '../config.ts'
import { builtin } from '../targets/builtin.ts'
import type { RunningTarget } from '../targets/target.ts'
import type { Result } from '../recording.ts'
import { bench, onlyRun, withFolder } from './bench.test-support.ts'
import { startDelayRelay } from './delay-relay.test-support.ts'

/** On a busy machine timers come late by this much; the delays below are several times larger. */
const TOLERANCE_MS = 6
const TRIES_MAX = 6

describe('the ledger against known delays', () => {
  let mock: RunningProgram
  const config = parseRunConfig({ latency: '40ms', 'response-size': '1KB', rate: '50' })
  const noSignal = new AbortController().signal

  before(async () => {
    mock = await startMock(config, noSignal)
  })
  after(() => mock.stop())

  /** The rows of a run through the gateway, ms, with the two ways made longer by known delays. */
  async function ledgerWith(delays: { toGatewayMs: number; toMockMs: number }): Promise<(row: string) => number> {
    const behind = await startDelayRelay(mock.url, delays.toMockMs)
    let gateway: RunningTarget | undefined
    try {
      gateway = await builtin.start({ config, mockUrl: behind.url, connections: 30 })
      const ahead = await startDelayRelay(gateway.url, delays.toGatewayMs)
      try {
        const { ledgerUs } = await measure(ahead.url)
        return (name) => ledgerUs!.rows.find((row) => row.name === name)!.mean / 1e3
      } finally {
        ahead.stop()
      }
    } finally {
      await gateway?.stop()
      behind.stop()
    }
  }

  function measure(url: string): Promise<Result> {
    return withFolder(async (out) => {
      await bench([
        '--target',
        url,
        '--rate',
        '50',
        '--duration',
        '2s',
        '--warmup',
        '500ms',
        '--latency',
        '40ms',
        '--quiet',
        '--out',
        out,
      ])
      return (await onlyRun(out)).result
    })
  }

  const within = (actualMs: number, expectedMs: number, what: string) => {
    assert.ok(
      actualMs >= expectedMs - 1 && actualMs <= expectedMs + TOLERANCE_MS,
      `${what}: ${actualMs} ms, expected ${expectedMs}`,
    )
  }

  /** A machine that is busy with something else only makes rows longer: a run that it left alone is looked for. */
  async function expectRows(
    delays: { toGatewayMs: number; toMockMs: number },
    expectedMs: Record<string, number>,
  ): Promise<void> {
    const rows = Object.entries(expectedMs)
    for (let tries = 1; ; tries++) {
      const row = await ledgerWith(delays)
      if (tries < TRIES_MAX && rows.some(([name, ms]) => row(name) > ms + TOLERANCE_MS)) continue
      for (const [name, ms] of rows) within(row(name), ms, name)
      return
    }
  }

  test('a delay between client and gateway is in that row, both ways, and in no other', async () => {
    const expected = { client_gateway_transport: 30, gateway_mock_transport: 0, mock_delay: 40 }
    await expectRows({ toGatewayMs: 15, toMockMs: 0 }, expected)
  })

  test('a delay between gateway and mock is in that row, both ways, and in no other', async () => {
    const expected = { client_gateway_transport: 0, gateway_mock_transport: 40, mock_delay: 40 }
    await expectRows({ toGatewayMs: 0, toMockMs: 20 }, expected)
  })
})
