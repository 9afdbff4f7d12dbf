import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CompareRecord, Flag, TargetRecord } from '../compare/record.ts'
import { fixtureComparison, fixtureControl } from './compare/fixture.test-data.ts'
import { renderCompareMarkdown } from './compare-markdown.ts'
import { without } from './fixture.test-data.ts'

const render = (record: CompareRecord) => renderCompareMarkdown(record, { charts: {} })
const whole = () => render(fixtureComparison())

/** The fixture with one of its targets changed. */
function withTarget(name: string, change: Partial<TargetRecord>): CompareRecord {
  const record = fixtureComparison()
  return {
    ...record,
    targets: record.targets.map((target) => (target.name === name ? { ...target, ...change } : target)),
  }
}

/** What stands under a heading, up to the next of its kind. */
function section(text: string, title: string): string {
  const found = text.split(/^## /m).find((part) => part.startsWith(`${title}\n`))
  assert.ok(found, title)
  return found
}

/** Cells of the first row of a section that begins with these. */
function cells(text: string, title: string, ...begin: string[]): string[] {
  const start = `| ${begin.join(' | ')}`
  const line = section(text, title)
    .split('\n')
    .find((candidate) => candidate.startsWith(start))
  assert.ok(line, start)
  return line.slice(2, -2).split(' | ')
}

const answer = (text: string) => text.split('\n')[2]!
const KNOW = 'What to know before using these figures'

describe('the answer', () => {
  test('places the targets by added mean, and joins those that are not told apart', () => {
    assert.match(
      answer(whole()),
      /^\*\*At 500 requests\/s and a mock that answers after 60 ms, added to the mean request, least first: direct 0\.4 us; then nginx 48\.2 us; then builtin 231 us and portkey 238 us, not distinguishable from each other; then litellm 4,107 us \(success rate 99\.9244%, altered requests, damaged answers\)\. Differences below 15\.2 us cannot be told from none on this machine\. Not ranked: bifrost \(missing\), acme \(failed\)\.\*\*$/,
    )
  })

  test('gives no place to a target that met the limit of an instrument', () => {
    const flags: Flag[] = [{ name: 'mock_bound', means: 'The mock was late by 9 ms.' }]
    const text = render(withTarget('portkey', { flags }))
    assert.match(answer(text), /builtin 231 us; then litellm.*Not ranked: portkey \(mock-bound\), bifrost/)
    assert.equal(
      cells(text, 'Differences, pair by pair', 'nginx less portkey').at(-1),
      'not ranked (portkey: mock-bound)',
    )
    assert.match(section(text, 'Added latency'), /\| portkey, \*\*not ranked\*\*: mock-bound \| 238 us/)
  })

  test('is not to be relied on after an interruption, on a loaded machine, or where a control failed', () => {
    const record = fixtureComparison({ interrupted: true })
    record.machine.overridden = true
    record.control!.controls[0]!.holds = false
    assert.match(
      answer(render(record)),
      /^\*\*Not to be relied on, because it was interrupted, the machine was loaded and the control splice \+ 100 us did not hold\. At/,
    )
    assert.doesNotMatch(answer(whole()), /relied/)
  })

  test('is that there is none, when nothing was measured', () => {
    const record = fixtureComparison()
    record.targets = record.targets.filter(({ status }) => status !== 'measured')
    assert.match(answer(render(record)), /no target can be placed: none has a sound figure/)
  })

  test('says which pairs do not fit into its groups', () => {
    const record = fixtureComparison()
    record.pairs.find(({ a, b }) => a === 'direct' && b === 'portkey')!.distinguishable = false
    assert.match(answer(render(record)), /Pair by pair: direct and portkey are not distinguishable\./)
  })
})

describe('nothing that speaks against the figures is dropped', () => {
  test('it stands before every figure', () => {
    const text = whole()
    assert.ok(text.indexOf(`## ${KNOW}`) < text.indexOf('## Conditions'))
    assert.ok(text.indexOf('## Conditions') < text.indexOf('## Added latency'))
  })

  test('missing and failed targets with their reasons, in words that cannot break the page', () => {
    const know = section(whole(), KNOW)
    assert.match(know, /- \*\*bifrost, missing\*\*: The launcher could not download its binary/)
    assert.match(know, /- \*\*acme, failed\*\*: It exited .* "&lt;fatal> \\\*heap\\\* corrupt"\./)
  })

  for (const { name, text } of [
    { name: 'mock_bound', text: /portkey, mock-bound\*\*: Figures\. Not ranked: the mock/ },
    { name: 'driver_bound', text: /portkey, driver-bound\*\*: Figures\. Not ranked: the load generator/ },
    { name: 'invalid_turns', text: /portkey, invalid turns\*\*: Figures\. The table of turns/ },
    { name: 'truth_stripped', text: /portkey, truth stripped\*\*: Figures\. The ledger is coarser/ },
    { name: 'cached_answers', text: /portkey, cached answers\*\*: Figures\. Not ranked/ },
    { name: 'error_bodies', text: /portkey, error bodies\*\*: Figures\. Not ranked/ },
    { name: 'memory_grows', text: /portkey, memory grows\*\*: Figures\. Its memory/ },
    { name: 'died', text: /portkey, died\*\*: Figures\. Not ranked/ },
    { name: 'failures', text: /portkey, failures\*\*: Figures\. Its latency/ },
  ] as const) {
    test(`the flag ${name}`, () => {
      assert.match(section(render(withTarget('portkey', { flags: [{ name, means: 'Figures.' }] })), KNOW), text)
    })
  }

  test('altered requests and damaged answers', () => {
    const know = section(whole(), KNOW)
    assert.match(know, /\*\*litellm, requests altered on the way\*\*: 12 of 44,998/)
    assert.match(know, /\*\*litellm, answers damaged\*\*: 3 of 44,966/)
  })

  test('the problem of one turn of a target that was measured', () => {
    const turns = [...fixtureComparison().targets[3]!.turns, { round: 4, position: 1, problem: 'The port was taken.' }]
    const text = render(withTarget('portkey', { turns }))
    assert.match(section(text, KNOW), /\*\*portkey, round 4\*\*: The port was taken\./)
  })

  test('an interruption, a loaded machine, a single round', () => {
    const record = fixtureComparison({ interrupted: true })
    Object.assign(record.machine, { overridden: true, busyPct: 44.4 })
    record.plan.rounds = 5
    const know = section(render(record), KNOW)
    assert.match(know, /Interrupted: 3 of 5 rounds were begun/)
    assert.match(
      know,
      /loaded machine by --allow-loaded: CPU in use before anything was started 44\.40%, limit 10\.00%/,
    )
    record.plan.rounds = 1
    assert.match(section(render(record), KNOW), /One round:/)
  })

  test('controls that failed, ran under another load, or did not run', () => {
    const control = fixtureControl()
    Object.assign(control.controls[0]!, { holds: false, foundUs: { value: 140, low: 130, high: 150 } })
    Object.assign(control, { ratePerSec: 200, nullUs: { value: 5, low: 2, high: 8 } })
    const know = section(render(fixtureComparison({ control })), KNOW)
    assert.match(
      know,
      /control splice \+ 100 us\*\*: Did not hold: 100 us were to be added, 101\.3 us by its own clock; found 140 us \(130 to 150\)/,
    )
    assert.match(know, /came out apart from itself by 5\.0 us \(2\.0 to 8\.0\)/)
    assert.match(know, /ran at 200 requests\/s .* the comparison at 500/)
    const none = render(without(fixtureComparison(), 'control'))
    assert.match(section(none, KNOW), /No negative controls were run/)
    assert.match(section(none, 'Added latency'), /none: \*\*not measured\*\*/)
    assert.match(section(none, 'Negative controls'), /None were run/)
  })

  test('direct apart from 0 is an error of the method', () => {
    const { addedUs } = fixtureComparison().targets[0]!
    const record = withTarget('direct', { addedUs: { ...addedUs!, mean: { value: 12, low: 8, high: 16 } } })
    assert.match(
      section(render(record), KNOW),
      /\*\*direct\*\*: It has no gateway, yet came out apart from 0: 12\.0 us \(8\.0 to 16\.0\)/,
    )
  })

  test('and where there is nothing, that is said', () => {
    const record = fixtureComparison()
    record.targets = record.targets.slice(0, 4)
    assert.match(section(render(record), KNOW), /Nothing was flagged/)
  })
})

describe('the tables', () => {
  test('conditions: the machine and that it is not EC2, plan, order, versions, seed, command', () => {
    const conditions = section(whole(), 'Conditions')
    for (const text of [
      /\| ran on \| 2 vCPU, 24\.0 GiB, Invented CPU @ 7\.77GHz \(not an EC2 instance\) \|/,
      /\| plan \| open loop, 500\/s for 30 s after 5 s of warm-up, then 5 s of cool-down; 3 rounds/,
      /\| payload \| request 130 bytes, answer 1,370 bytes, whole, not streamed \|/,
      /\| order, round 2 \| portkey, litellm, direct, nginx, builtin, acme \|/,
      /\| seed \| 7, /,
      /\| nginx \| nginx as a reverse proxy \| 1\.22\.1 \| worker_processes 2; keepalive 256 to the mock; access_log off \| measured \|/,
      /\nbench compare --targets direct,nginx,/,
    ]) {
      assert.match(conditions, text)
    }
  })

  test('added latency: intervals, upper bounds, and how coarse the figure is', () => {
    const text = whole()
    assert.deepEqual(cells(text, 'Added latency', 'builtin'), [
      'builtin',
      '231 us (224 to 239)',
      '185 us (180 to 191)',
      '926 us (898 to 953)',
      '<= 2,083 us (2,020 to 2,145)',
      '45,000',
      '1,800',
      'above the mock',
    ])
    const { addedUs } = fixtureComparison().targets[3]!
    const stripped = render(withTarget('portkey', { addedUs: { ...without(addedUs!, 'p999'), basis: 'service_time' } }))
    const row = cells(stripped, 'Added latency', 'portkey')
    assert.deepEqual([row[4], row[7]], ['not measured', 'whole service times: coarser'])
    assert.match(answer(stripped), /portkey 238 us \(coarser\)/)
  })

  test('added latency: how it is defined, what the machine can tell, and that direct is the zero', () => {
    const added = section(whole(), 'Added latency')
    assert.match(added, /could tell from none, by the negative controls: \*\*15\.2 us\*\*/)
    assert.match(added, /shifts at that percentile.*not percentiles of differences/)
    assert.match(added, /direct has no gateway: what it shows is the error of the method/)
  })

  test('pairs: the difference with its interval, who is faster, or that it cannot be told', () => {
    const text = whole()
    const pairs = 'Differences, pair by pair'
    assert.deepEqual(cells(text, pairs, 'nginx less builtin'), [
      'nginx less builtin',
      '-183 us (-196 to -171)',
      '-733 us (-879 to -586)',
      'not measured',
      'nginx is faster',
    ])
    assert.equal(cells(text, pairs, 'builtin less portkey')[4], 'not distinguishable')
    const { addedUs } = fixtureComparison().targets[1]!
    const bounded = render(withTarget('nginx', { addedUs: { ...addedUs!, upperBound: ['p99', 'p999'] } }))
    assert.match(cells(bounded, pairs, 'nginx less builtin')[2]!, /, of upper bounds$/)
  })

  test('what it costs: what was not measured is not 0, and the price carries its instance, date and assumption', () => {
    const text = whole()
    assert.deepEqual(cells(text, 'What it costs', 'direct'), [
      'direct',
      'not measured',
      '499.9/s (499.9 to 499.9)',
      '100%',
      'not measured',
    ])
    assert.equal(cells(text, 'What it costs', 'builtin')[4], '$0.000818 (0.000793 to 0.000842)')
    assert.match(
      section(text, 'What it costs'),
      /t3\.medium at \$0\.0416 an hour, price of 2026-11-01\. The assumption: CPU alone, with every vCPU of the instance fully used/,
    )
    assert.match(
      section(text, 'What it costs'),
      /\| nginx \| 11\.1 MiB \(10\.8 to 11\.4\) .* \| 100 ms \(97 to 103\) \|/,
    )
  })

  test('errors by kind, requests altered and answers damaged, with examples', () => {
    const text = whole()
    assert.deepEqual(cells(text, 'Errors', 'litellm').slice(-2), ['200: 44,966, 500: 30', 'http_500: 30, timeout: 4'])
    assert.match(
      section(text, 'Errors'),
      /\| litellm \| 44,998 \| 12 \| changed_field: 12, added_field: 44,998 \| 44,966 \| 3 \|/,
    )
    assert.match(section(text, 'Errors'), /- litellm: `temperature: sent 0\.5, arrived as "0\.5"`/)
  })

  test('what a gateway says of itself stands beside what was measured, with the ratio', () => {
    const row = cells(whole(), 'What the gateways say of themselves', 'litellm')
    assert.deepEqual(row.slice(3), ['1,212 us', '1,010 us', '3,434 us', '44,966', '4,107 us (3,890 to 4,333)', '0.295'])
    const silent = render(without(fixtureComparison({ targets: fixtureComparison().targets.slice(0, 4) }), 'frontier'))
    assert.match(silent, /No target said anything of itself\./)
  })

  test('turns in the order in which they ran, each with its run folder, verdict and problem', () => {
    const turns = section(whole(), 'Turns')
    const places = [...turns.matchAll(/^\| (\d\.\d) \|/gm)].map(([, place]) => place!)
    assert.deepEqual(places, places.toSorted())
    assert.equal(places.length, 17)
    assert.match(
      turns,
      /\| 1\.6 \| acme \| \[20261124T100500Z-acme-t3\.medium\]\(20261124T100500Z-acme-t3\.medium\/\) \| \*\*INVALID\*\*: fresh_answers \| not measured \| 777 \|/,
    )
    assert.match(turns, /\| 2\.6 \| acme \| no run \| no verdict \|.* exited with signal SIGSEGV \|/)
  })
})

test('charts stand where they belong, and leave nothing behind where there are none', () => {
  const charts = { latency: '![L](l.svg)', added: '![A](a.svg)', frontier: '![F](f.svg)', memory: '![M](m.svg)' }
  const text = renderCompareMarkdown(fixtureComparison(), { charts })
  assert.match(section(text, 'Added latency'), /!\[A\].*!\[L\]/s)
  assert.match(section(text, 'What it costs'), /!\[M\]/)
  assert.match(section(text, 'Frontier'), /!\[F\]/)
  assert.doesNotMatch(whole(), /!\[|undefined|NaN/)
})

test('without a frontier there is no word of one', () => {
  assert.doesNotMatch(render(without(fixtureComparison(), 'frontier')), /frontier|closed loop/i)
})
