import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { UsageError } from '../errors.ts'
import { without } from '../report/fixture.test-data.ts'
import { drawUpComparison } from './draw-up.ts'
import { chartsOf, CompareFolder, isComparison, readComparison } from './folder.ts'
import type { CompareRecord } from './record.ts'
import { compareInput, failedTurn, measuredTarget } from './turn-figures.test-data.ts'

let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatebench-compare-folder-'))
})
after(async () => {
  await rm(root, { recursive: true })
})

const STARTED_AT = new Date('2026-11-24T10:00:00Z')
const claim = (name: string) => CompareFolder.claim(join(root, name), 'compare', STARTED_AT, 't3.medium')

/** Two targets, of which the first was measured, its runs in the folder. */
function recordIn({ id, runsDir }: Pick<CompareFolder, 'id' | 'runsDir'>): CompareRecord {
  const measured = measuredTarget('alpha')
  for (const { turn } of measured.turns) turn.run = join(runsDir, `alpha-${turn.round}`)
  const failed = { ...measuredTarget('beta'), turns: [failedTurn(1, 'port in use')] }
  return drawUpComparison(compareInput([measured, failed], { id }), 10)
}

/** As what is there after JSON, and with runs as they are seen from the folder. */
function asWritten(record: CompareRecord): unknown {
  return JSON.parse(JSON.stringify(record), (key, value: unknown) =>
    key === 'run' && typeof value === 'string' ? `runs/${basename(value)}` : value,
  )
}

async function problemsOf(promise: Promise<unknown>): Promise<string[]> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof UsageError, 'a UsageError is thrown')
  return [...error.problems]
}

describe('the folder of a comparison', () => {
  test('is new, is called by its start, and has a place for runs', async () => {
    const folder = await claim('new')
    assert.equal(basename(folder.path), '20261124T100000Z-compare-t3.medium')
    assert.deepEqual(await readdir(folder.path), ['runs'])
    assert.equal(folder.runsDir, join(folder.path, 'runs'))
  })

  test('of a second comparison in the same second is another, and so is its id', async () => {
    const [first, second] = [await claim('twice'), await claim('twice')]
    assert.equal(first.id, '20261124T100000Z-compare-t3.medium')
    assert.equal(second.id, '20261124T100000Z-compare-t3.medium-2')
    assert.equal(basename(second.path), second.id)
  })

  test('holds the record, which is read back by folder and by file, its runs relative to it', async () => {
    const folder = await claim('round-trip')
    const record = recordIn(folder)
    const runs = () => record.targets[0]!.turns.map(({ run }) => run)
    const given = runs()
    await folder.write(record)
    assert.deepEqual(await readComparison(folder.path), asWritten(record))
    assert.deepEqual(await readComparison(join(folder.path, 'comparison.json')), asWritten(record))
    assert.deepEqual(runs(), given, 'the record that was given is left as it was')
    assert.deepEqual((await readdir(folder.path)).sort(), ['comparison.json', 'report.md', 'runs'])
    assert.match(await readFile(join(folder.path, 'report.md'), 'utf8'), /^# alpha, beta: compared 2026-11-24\n/)
  })

  test('holds each chart twice, and a report that shows them', async () => {
    const folder = await claim('charts')
    assert.deepEqual(await chartsOf(folder.path), {})
    await folder.write(recordIn(folder), {
      added: { light: '<svg>light</svg>', dark: '<svg>dark</svg>' },
      memory: { light: '<svg/>', dark: '<svg/>' },
    })
    assert.equal(await readFile(join(folder.path, 'added.svg'), 'utf8'), '<svg>light</svg>')
    assert.equal(await readFile(join(folder.path, 'added-dark.svg'), 'utf8'), '<svg>dark</svg>')
    const report = await readFile(join(folder.path, 'report.md'), 'utf8')
    const charts = await chartsOf(folder.path)
    assert.deepEqual(Object.keys(charts), ['added', 'memory'])
    assert.deepEqual(await chartsOf(join(folder.path, 'comparison.json')), charts)
    for (const picture of [charts.added, charts.memory]) assert.ok(picture !== undefined && report.includes(picture))
    assert.ok(!report.includes('frontier.svg'))
  })

  test('is written anew when more is known', async () => {
    const folder = await claim('anew')
    await folder.write(drawUpComparison(compareInput([measuredTarget('draft')]), 10))
    const record = recordIn(folder)
    await folder.write(record)
    assert.deepEqual(await readComparison(folder.path), asWritten(record))
    assert.match(await readFile(join(folder.path, 'report.md'), 'utf8'), /^# alpha, beta:/)
  })
})

describe('a path', () => {
  test('is a comparison when it is, or holds, a comparison.json', async () => {
    const folder = await claim('is')
    assert.equal(await isComparison(folder.path), false)
    await folder.write(recordIn(folder))
    assert.equal(await isComparison(folder.path), true)
    assert.equal(await isComparison(join(folder.path, 'comparison.json')), true)
    assert.equal(await isComparison(join(folder.path, 'report.md')), false)
    assert.equal(await isComparison(join(root, 'nothing')), false)
  })
})

describe('a comparison that cannot be read', () => {
  async function fileOf(name: string, content: unknown): Promise<string> {
    await mkdir(join(root, name))
    const file = join(root, name, 'comparison.json')
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
    return file
  }

  test('is named when it is not there', async () => {
    const [problem] = await problemsOf(readComparison(join(root, 'nowhere')))
    assert.ok(problem!.startsWith(`${join(root, 'nowhere', 'comparison.json')}: cannot be read`))
  })

  test('is said to be no JSON', async () => {
    const file = await fileOf('text', '{"schemaVersion": 1,')
    const [problem] = await problemsOf(readComparison(file))
    assert.ok(problem!.startsWith(`${file}: is not JSON: `))
  })

  test('has every problem named, by its place', async () => {
    const record = recordIn({ id: 'x', runsDir: '/runs' })
    const broken = { ...without(record, 'machine'), plan: { ...record.plan, seed: 'one' } }
    const file = await fileOf('broken', broken)
    const problems = await problemsOf(readComparison(file))
    assert.equal(problems.length, 2)
    assert.ok(problems.some((problem) => problem.startsWith(`${file}: / `) && problem.includes('machine')))
    assert.ok(problems.some((problem) => problem.startsWith(`${file}: /plan/seed `)))
  })

  test('does not pass with NaN, which JSON writes as null, for a figure', async () => {
    const record = recordIn({ id: 'x', runsDir: '/runs' })
    record.targets[0]!.addedUs!.mean.low = NaN
    const file = await fileOf('nan', record)
    const [problem] = await problemsOf(readComparison(file))
    assert.ok(problem!.startsWith(`${file}: /targets/0/addedUs/mean/low `), problem)
  })
})
