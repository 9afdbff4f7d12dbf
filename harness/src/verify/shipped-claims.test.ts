import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import published from '../../published-results.json' with { type: 'json' }
import type { Claim } from './claim.ts'
import { CLAIMS_DIR, HERE, shippedClaim } from './verify.test-data.ts'
import { plannedTest } from './planned-test.ts'

const ids = (await readdir(CLAIMS_DIR)).map((name) => name.replace(/\.json$/, ''))
const claims = await Promise.all(ids.map(shippedClaim))

/** id, metric, value and unit of every figure that the published file holds, in its own order. */
function publishedFigures(): string[] {
  const { bifrost, tensorzero, onthebench, agentgateway, litellm } = published
  const blog = published['bifrost-vs-litellm-500rps']
  const lines: string[] = []
  const add = (id: string, metric: string, value: number, unit: string) =>
    lines.push(`${id} ${metric} ${value} ${unit}`)
  for (const machine of ['t3.medium', 't3.xlarge'] as const) {
    const column = bifrost[machine]
    const id = `bifrost-${machine}`
    add(id, 'published_overhead', column.overheadUs, 'us')
    add(id, 'latency_mean', column.averageLatencyMs, 'ms')
    add(id, 'success_rate', column.successRatePct, '%')
    add(id, 'peak_memory', column.peakMemoryMB, 'MB')
    for (const [name, us] of Object.entries(column.stagesUs)) add(id, `stage.${name}`, us, 'us')
  }
  for (const name of ['bifrost', 'litellm'] as const) {
    const id = `bifrost-500rps-${name}`
    add(id, 'latency_p99', blog[name].p99LatencyMs, 'ms')
    add(id, 'throughput', blog[name].throughputPerSec, 'per_s')
    add(id, 'peak_memory', blog[name].memoryMB, 'MB')
  }
  add('bifrost-500rps-bifrost', 'success_rate', blog.bifrost.successRatePct, '%')
  add('bifrost-5000rps-bifrost', 'published_overhead', blog.at5000rpsXlarge.bifrostOverheadUs, 'us')
  add('bifrost-5000rps-litellm', 'in_process_overhead', blog.at5000rpsXlarge.litellmOverheadUs, 'us')
  for (const [id, figures] of [
    ['tensorzero-10000qps', tensorzero.gateway10000qps],
    ['tensorzero-litellm-500qps', tensorzero.litellm500qps],
  ] as const) {
    for (const [name, ms] of Object.entries(figures)) add(id, `latency_${name.replace('Ms', '')}`, ms, 'ms')
  }
  const boardId = (name: string) => `onthebench-${name.replace('-1.6.4', '')}`
  for (const [name, us] of Object.entries(onthebench.p99AddedUs)) add(boardId(name), 'client_overhead_p99', us, 'us')
  for (const [name, perSec] of Object.entries(onthebench.maxPerSec)) add(boardId(name), 'max_rate', perSec, 'per_s')
  for (const [name, ms] of Object.entries(agentgateway.p99Ms))
    add(`agentgateway-fortio-${name}`, 'latency_p99', ms, 'ms')
  add('litellm-docs', 'latency_p99', litellm.totalP99Ms, 'ms')
  add('litellm-docs', 'self_reported_overhead_p50', litellm.headerOverheadP50Ms, 'ms')
  add('litellm-docs', 'self_reported_overhead_p99', litellm.headerOverheadP99Ms, 'ms')
  return lines
}

const byId = (id: string): Claim => claims.find((claim) => claim.id === id)!

test('the claims that ship hold the figures of published-results.json, each once, and no others', () => {
  const shipped = claims.flatMap(({ id, figures }) =>
    figures.map(({ metric, value, unit }) => `${id} ${metric} ${value} ${unit}`),
  )
  assert.deepEqual(shipped.toSorted(), publishedFigures().toSorted())
})

test('a claim is named as its file', () => {
  assert.deepEqual(
    claims.map(({ id }) => id),
    ids,
  )
})

test('payload, machine and settings of both Bifrost pages are as published', () => {
  for (const machine of ['t3.medium', 't3.xlarge'] as const) {
    const column = published.bifrost[machine]
    const { conditions } = byId(`bifrost-${machine}`)
    assert.equal(conditions.ratePerSec, published.bifrost.conditions.ratePerSec)
    assert.equal(conditions.requestBytes, column.requestKB * 1_000)
    assert.equal(conditions.responseBytes, Math.round(column.responseKB * 1_000))
    assert.deepEqual(conditions.machine, { instance: machine, vcpus: column.vcpus, memoryGiB: column.memoryGiB })
    assert.deepEqual(conditions.settings, { bufferSize: column.bufferSize, initialPoolSize: column.initialPoolSize })
  }
})

test('rates are those of the sources', () => {
  const rate = (id: string) => byId(id).conditions.ratePerSec
  assert.match(published['bifrost-vs-litellm-500rps'].source, /500 RPS/)
  assert.deepEqual([rate('bifrost-500rps-bifrost'), rate('bifrost-500rps-litellm')], [500, 500])
  assert.deepEqual([rate('bifrost-5000rps-bifrost'), rate('bifrost-5000rps-litellm')], [5_000, 5_000])
  assert.deepEqual([rate('tensorzero-10000qps'), rate('tensorzero-litellm-500qps')], [10_000, 500])
  assert.match(published.agentgateway.source, /3000 QPS, 32 connections, 30 s/)
  const { ratePerSec, connections, durationMs } = byId('agentgateway-fortio-litellm').conditions
  assert.deepEqual({ ratePerSec, connections, durationMs }, { ratePerSec: 3_000, connections: 32, durationMs: 30_000 })
  assert.match(published.litellm.source, /4 instances of 4 CPU \/ 8 GB, 1170 RPS/)
  assert.equal(rate('litellm-docs'), 1_170)
})

test('two claims are that LiteLLM does not carry the load', () => {
  assert.equal(published.tensorzero.litellm1000qps, 'fails')
  assert.match(published['bifrost-vs-litellm-500rps'].at5000rpsXlarge.litellmNote, /could not sustain the load/)
  const failing = claims.filter(({ loadFails }) => loadFails).map(({ id }) => id)
  assert.deepEqual(failing.toSorted(), ['bifrost-5000rps-litellm', 'tensorzero-litellm-1000qps'])
})

test('each claim is planned: it has a run, or says why it has none', () => {
  for (const claim of claims) {
    const plan = plannedTest(claim, HERE)
    assert.ok(plan.testable || plan.why.length > 0, claim.id)
    assert.ok(plan.differs.length > 0, claim.id)
  }
})
