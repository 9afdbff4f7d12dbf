import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { recordResources, type ResourceSample } from './resource-windows.ts'

/** Every 250 ms: the gateway uses 60% user and 20% system of one core, and grows by 1 MiB a second from 100 MiB. */
function evenLoad(fromMs: number, toMs: number): ResourceSample[] {
  const samples: ResourceSample[] = []
  for (let atMs = fromMs; atMs <= toMs; atMs += 250) {
    samples.push({
      atMs,
      trees: {
        gateway: {
          processes: 1,
          userMs: atMs * 0.6,
          systemMs: atMs * 0.2,
          rssKiB: 102_400 + atMs * 1.024,
          peakKiB: 204_800,
        },
      },
      host: { totalMs: atMs * 2, busyMs: atMs, stealMs: atMs * 0.1 },
    })
  }
  return samples
}

describe('the use of a window', () => {
  test('leaves out what came before and after it', () => {
    const { trees, host } = recordResources(evenLoad(0, 10_000), 5_000, 8_000)
    assert.ok(trees.gateway && host)
    assert.equal(trees.gateway.cpuUserCores.toFixed(6), '0.600000')
    assert.equal(trees.gateway.cpuSystemCores.toFixed(6), '0.200000')
    assert.equal(trees.gateway.cpuCores.toFixed(6), '0.800000')
    assert.equal(Math.round(trees.gateway.cpuUs), 2_400_000)
    // 105 MiB at its start, 108 at its end.
    assert.equal(trees.gateway.rssMeanMiB.toFixed(3), '106.500')
    assert.equal(trees.gateway.rssPeakMiB, 200)
    assert.equal(host.busyPct.toFixed(6), '50.000000')
    assert.equal(host.stealPct.toFixed(6), '5.000000')
  })

  test('falls back to the largest sample where the kernel keeps no high-water mark', () => {
    const samples = evenLoad(0, 2_000).map(({ atMs, trees: { gateway } }) => {
      assert.ok(gateway)
      const { processes, userMs, systemMs, rssKiB } = gateway
      return { atMs, trees: { gateway: { processes, userMs, systemMs, rssKiB } } }
    })
    assert.equal(recordResources(samples, 0, 2_000).trees.gateway?.rssPeakMiB.toFixed(3), '102.000')
  })

  test('has no key for what was not seen', () => {
    const recording = recordResources(
      [
        { atMs: 0, trees: {} },
        { atMs: 2_000, trees: {} },
      ],
      0,
      2_000,
    )
    assert.deepEqual(recording, { trees: {}, seconds: [{ second: 0 }, { second: 1 }] })
  })
})

describe('the seconds of a window', () => {
  test('are its whole seconds, and each has its own share of CPU though samples fall between them', () => {
    const { seconds } = recordResources(evenLoad(0, 10_000), 5_100, 8_500)
    assert.deepEqual(
      seconds.map(({ second }) => second),
      [0, 1, 2],
    )
    for (const row of seconds) {
      assert.equal(row.gatewayCpuCores?.toFixed(6), '0.800000')
      assert.equal(row.hostBusyPct?.toFixed(6), '50.000000')
      assert.equal('mockCpuCores' in row, false)
    }
  })

  test('tell a burst from the quiet around it', () => {
    const tree = (userMs: number) => ({ gateway: { processes: 1, userMs, systemMs: 0, rssKiB: 1 } })
    const samples = [0, 0, 900, 900].map((userMs, i) => ({ atMs: i * 1_000, trees: tree(userMs) }))
    const { seconds } = recordResources(samples, 0, 3_000)
    assert.deepEqual(
      seconds.map(({ gatewayCpuCores }) => gatewayCpuCores),
      [0, 0.9, 0],
    )
  })
})
