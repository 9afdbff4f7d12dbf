import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { STAGES } from '@gatebench/gateway/stages'
import type { Result } from '../recording.ts'
import { renderConsole } from './console.ts'
import { bareResult, fixtureResult, without } from './fixture.test-data.ts'

const plain = (result: Result) => renderConsole(result, { color: false })

/** Words of the one line that starts with `label`, runs of spaces taken as one separator. */
function line(text: string, label: string): string[] {
  const found = text.split('\n').filter((candidate) => candidate.trimStart().startsWith(`${label}  `))
  assert.equal(found.length, 1, `one line for ${label}`)
  return found[0]!.trim().split(/ {2,}/)
}

function invalidResult(): Result {
  const result = fixtureResult()
  result.verdict.valid = false
  Object.assign(result.verdict.checks[1]!, { ok: false, value: 7.7777, means: 'The generator was late.' })
  return result
}

describe('renderConsole', () => {
  test('the verdict is the first line and the result of the gateway the second', () => {
    const [first, second] = plain(fixtureResult()).split('\n')
    assert.match(first!, /^VALID {2}.*held 2 checks; not measured: host_steal$/)
    assert.match(second!, /^GOOD +builtin: 300,000 of 300,000 requests answered, success rate 100%$/)
  })

  test('an invalid run says so at the very top, with the failed check, its value, its limit and what it means', () => {
    const lines = plain(invalidResult()).split('\n')
    assert.match(lines[0]!, /^INVALID .*schedule_lag$/)
    assert.equal(lines[1], '  schedule_lag: 7.7777 ms (limit 5 ms)')
    assert.equal(lines[2], '    The generator was late.')
    assert.match(lines[3]!, /^GOOD/)
  })

  test('a valid run of a failing gateway is valid and bad', () => {
    const result = fixtureResult()
    Object.assign(result.requests, { ok: 299_988, failed: 12, successRate: 299_988 / 300_000 })
    const [first, second] = plain(result).split('\n')
    assert.match(first!, /^VALID/)
    assert.match(second!, /^BAD .*299,988 of 300,000 requests answered, 12 lost, success rate 99\.996%$/)
  })

  test('an interrupted run says so before its figures', () => {
    const text = plain(fixtureResult({ interrupted: true }))
    assert.ok(text.indexOf('INTERRUPTED') < text.indexOf('target '))
    assert.doesNotMatch(plain(fixtureResult()), /INTERRUPTED/)
  })

  test('sections stand in the order in which a reader asks', () => {
    const text = plain(fixtureResult())
    const heads = [
      'VALID',
      'GOOD',
      'target',
      'Latency, ms',
      'Requests',
      'Instruments',
      'Overhead, us',
      'Stages, us',
      'Ledger',
      'Resources',
    ]
    const places = heads.map((head) => text.indexOf(head))
    assert.ok(places.every((place) => place >= 0))
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    )
  })

  test('figures stand under their heads', () => {
    const text = plain(fixtureResult())
    assert.deepEqual(line(text, 'Latency, ms'), [
      'Latency, ms',
      'mean',
      'min',
      'p50',
      'p90',
      'p95',
      'p99',
      'p99.9',
      'max',
    ])
    assert.deepEqual(line(text, 'from due'), [
      'from due',
      '1,502.33',
      '1,500.22',
      '1,501.22',
      '1,505.66',
      '1,510.10',
      '1,533.44',
      '1,555.66',
      '1,611.22',
    ])
    assert.equal(line(text, 'from sent')[1], '1,502.22')
    assert.deepEqual(line(text, 'JSON Marshaling').slice(0, 3), ['JSON Marshaling', '5.55', '5.00'])
    assert.match(text, /\n  driver +200 +189 +0\.22 +0\.12 +0\.10 +44\.4\n/)
  })

  test('right edges of heads and figures are one column', () => {
    const lines = plain(fixtureResult()).split('\n')
    const head = lines.findIndex((text) => text.startsWith('Latency, ms'))
    for (const [name, value] of [
      ['mean', '1,502.33'],
      ['p99', '1,533.44'],
      ['max', '1,611.22'],
    ] as const) {
      const edge = new RegExp(`\\b${name}(?= |$)`).exec(lines[head]!)!.index + name.length
      assert.equal(edge, lines[head + 1]!.indexOf(value) + value.length, name)
    }
  })

  test('all ten stages are there in order, and one below the clock gives its batch figure', () => {
    const text = plain(fixtureResult())
    const places = STAGES.map(({ title }) => text.indexOf(`\n  ${title} `))
    assert.ok(places.every((place) => place > 0))
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    )
    const stages = text.slice(text.indexOf('\nStages, us'), text.indexOf('\nLedger'))
    assert.equal(line(stages, 'Key Selection Time')[1], '< clock (0.04 us); batch 0.016 us')
    assert.equal(line(text, 'Error Handling')[1], '< clock (0.04 us); batch not measured')
  })

  test('the three overheads are shown together, each with what it means', () => {
    const text = plain(fixtureResult())
    assert.deepEqual(line(text, 'published').slice(0, 4), ['published', '8.77', '7.77', '22.2'])
    assert.match(line(text, 'in_process').at(-1)!, /without HTTP request/)
    assert.match(line(text, 'client')[4]!, /service time - mock's delay - mean floor/)
  })

  test('a ledger row that the clock cannot resolve says so', () => {
    const text = plain(fixtureResult())
    const row = line(text.slice(text.indexOf('\nLedger')), 'Key Selection Time')
    assert.deepEqual(row, ['Key Selection Time', 'gateway', '0.02', '0.00%', 'below the clock'])
  })

  test('the gateway work outside the ten stages is listed after them', () => {
    const text = plain(fixtureResult())
    const stages = text.slice(text.indexOf('\nStages, us'), text.indexOf('\nLedger'))
    assert.match(stages, /Error Handling .*\n  Request Reading +77\.7 .*\n  Response Sending +88\.8 /)
  })

  test('waiting before further tries has its rows only where there was some', () => {
    const waiting = (mean: number) => {
      const result = fixtureResult()
      result.stagesUs!['retry_backoff'] = { count: 290_000, mean, p50: 0, p90: 0, p99: 0, p999: 0, max: mean * 10 }
      result.ledgerUs!.rows.push({ name: 'retry_backoff', mean })
      return plain(result)
    }
    assert.equal(waiting(0), plain(fixtureResult()))
    assert.match(waiting(7.77), /Response Sending .*\n  Retry Backoff +7\.77 /)
    assert.match(waiting(7.77), /\n  Retry Backoff +gateway +7\.77 /)
  })

  test('workers, members of the body and settings that were merged in are told, broken into lines of some width', () => {
    const { plan } = fixtureResult()
    const text = plain(
      fixtureResult({
        plan: {
          ...plan,
          gateway: { ...plan.gateway!, workers: 2 },
          body: { fallbacks: ['openai/gpt-4o'] },
          gatewayConfig: { config: { prometheus_labels: Array.from({ length: 30 }, (_, i) => `label-${i}`) } },
        },
      }),
    )
    assert.match(text, /gateway +2 workers, together concurrency 15,000, buffer 15,000, pool 10,000\n/)
    assert.match(text, /payload +request 130 bytes with {"fallbacks":\["openai\/gpt-4o"\]}, answer 1,370 bytes\n/)
    assert.match(
      text,
      /merged in +{ "config": { "prometheus_labels": \[ "label-0", .*\n( {11}.*\n)+ {11}.*"label-29" \] } }\n/,
    )
  })

  test('a run without a gateway says that there is none', () => {
    const text = plain(
      fixtureResult({
        plan: without(fixtureResult().plan, 'gateway'),
        target: { name: 'direct', url: 'http://127.0.0.1:1', managed: false },
      }),
    )
    assert.match(text, /target +direct, the mock at http:\/\/127\.0\.0\.1:1\n/)
    assert.match(text, /gateway +none: the requests go straight to the mock\n/)
  })

  test('the ledger gives owner, time and share, and ends with the unattributed rest', () => {
    const text = plain(fixtureResult())
    assert.deepEqual(line(text, 'Mock delay'), ['Mock delay', 'mock', '1,501,500.00', '99.95%'])
    assert.deepEqual(line(text, 'Generator lag'), [
      'Generator lag',
      'generator',
      '111.22',
      'on top of the service time',
    ])
    const section = text.slice(text.indexOf('\nLedger'), text.indexOf('\nResources')).trimEnd().split('\n')
    assert.equal(
      section.at(-1)!.trim().replace(/ {2,}/g, ' | '),
      'unattributed | 12.09 | 0.00% | 2.36% of the added 512.30 us',
    )
  })

  test('what was not measured says so and is never 0', () => {
    const text = plain(bareResult())
    for (const label of [
      'schedule lag, ms',
      'mock delay error, ms',
      'floor, us',
      'most in flight',
      'published',
      'client',
    ]) {
      assert.equal(line(text, label)[1], 'not measured', label)
    }
    for (const head of ['Latency, ms', 'Stages, us', 'Ledger'])
      assert.match(text, new RegExp(`${head}\n  not measured`))
    assert.match(text, /host: not measured/)
    assert.doesNotMatch(text, /undefined|NaN|null/)
  })

  test('no colour codes without colour; with it, the same words', () => {
    const colored = renderConsole(fixtureResult(), { color: true })
    assert.notEqual(colored, plain(fixtureResult()))
    assert.equal(stripVTControlCharacters(colored), plain(fixtureResult()))
    assert.equal(stripVTControlCharacters(plain(invalidResult())), plain(invalidResult()))
  })

  test('no line of the main job is wider than 100 columns', () => {
    for (const text of plain(fixtureResult()).split('\n')) assert.ok(text.length <= 100, text)
  })

  test('the machine it ran on stands beside the one that the profile imitates', () => {
    const text = plain(fixtureResult())
    assert.match(text, /ran on +2 vCPU, 24\.0 GiB, Invented CPU/)
    assert.match(text, /profile +t3\.medium \(2 vCPU, 4 GiB\): imitated/)
  })

  test('the folder is named when there is one', () => {
    assert.match(
      renderConsole(fixtureResult(), { color: false, folder: 'results/x' }),
      /\nFiles {2}results\/x: report\.md/,
    )
    assert.doesNotMatch(plain(fixtureResult()), /Files/)
  })
})
