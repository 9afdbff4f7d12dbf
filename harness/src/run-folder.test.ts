import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { UsageError } from './errors.ts'
import { fixtureResult, without } from './report/fixture.test-data.ts'
import { readRun, runFolderName, writeRunFolder } from './run-folder.ts'

let root: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatebench-run-folder-'))
})
after(async () => {
  await rm(root, { recursive: true })
})

/** A fresh folder inside the test's own. */
async function place(name: string): Promise<string> {
  const folder = join(root, name)
  await mkdir(folder)
  return folder
}

async function problemsOf(promise: Promise<unknown>): Promise<string[]> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof UsageError, 'a UsageError is thrown')
  return [...error.problems]
}

describe('writeRunFolder', () => {
  test('what is written is read back, by folder and by file', async () => {
    const outDir = join(await place('round-trip'), 'made', 'on the way')
    const result = fixtureResult()
    const folder = await writeRunFolder(outDir, { result, reportMarkdown: '# report', hlog: 'log', hgrm: 'grm' })
    assert.equal(basename(folder), '20261120T170331Z-builtin-t3.medium')
    assert.deepEqual(await readRun(folder), result)
    assert.deepEqual(await readRun(join(folder, 'result.json')), result)
    assert.deepEqual((await readdir(folder)).sort(), ['latency.hgrm', 'latency.hlog', 'report.md', 'result.json'])
    assert.equal(await readFile(join(folder, 'report.md'), 'utf8'), '# report')
  })

  test('files that were not given are not made', async () => {
    const folder = await writeRunFolder(await place('bare'), { result: fixtureResult(), reportMarkdown: '' })
    assert.deepEqual((await readdir(folder)).sort(), ['report.md', 'result.json'])
  })

  test('runs of one second, written at once, each get a folder of their own and nothing else is left', async () => {
    const outDir = await place('collision')
    const seeds = [1, 2, 3, 4, 5]
    const folders = await Promise.all(
      seeds.map((seed) => {
        const result = fixtureResult()
        result.plan.seed = seed
        return writeRunFolder(outDir, { result, reportMarkdown: '' })
      }),
    )
    const base = '20261120T170331Z-builtin-t3.medium'
    const expected = [base, `${base}-2`, `${base}-3`, `${base}-4`, `${base}-5`]
    assert.deepEqual((await readdir(outDir)).sort(), expected)
    assert.deepEqual(folders.map((folder) => basename(folder)).sort(), expected)
    for (const [i, folder] of folders.entries()) assert.equal((await readRun(folder)).plan.seed, seeds[i])
  })

  test('a folder that is there already is left as it is, empty or not', async () => {
    const outDir = await place('taken')
    const base = '20261120T170331Z-builtin-t3.medium'
    await mkdir(join(outDir, base))
    await mkdir(join(outDir, `${base}-2`))
    await writeFile(join(outDir, `${base}-2`, 'result.json'), 'precious')
    const folder = await writeRunFolder(outDir, { result: fixtureResult(), reportMarkdown: '' })
    assert.equal(basename(folder), `${base}-3`)
    assert.deepEqual(await readdir(join(outDir, base)), [])
    assert.equal(await readFile(join(outDir, `${base}-2`, 'result.json'), 'utf8'), 'precious')
  })

  test('a result that cannot be written leaves no half folder behind', async () => {
    const outDir = await place('failing')
    const result = fixtureResult({ startedAt: 'no time at all' })
    await assert.rejects(writeRunFolder(outDir, { result, reportMarkdown: '' }), RangeError)
    assert.deepEqual(await readdir(outDir), [])
  })

  test('a URL and a path become one plain folder name', () => {
    const target = { name: 'http://127.0.0.1:8080/v1', url: '', managed: false }
    const { startedAt } = fixtureResult()
    assert.equal(
      runFolderName({ startedAt, target, profile: '../my profiles/big.json' }),
      '20261120T170331Z-http-127.0.0.1-8080-v1-my-profiles-big.json',
    )
  })

  test('no target or profile name leads out of the folder or makes a name that is too long', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), fc.string({ maxLength: 300 }), (name, profile) => {
        const { startedAt } = fixtureResult()
        const folder = runFolderName({ startedAt, target: { name, url: '', managed: true }, profile })
        assert.match(folder, /^20261120T170331Z-[A-Za-z0-9.-]+-[A-Za-z0-9.-]+$/)
        assert.ok(folder.length <= 140)
      }),
    )
  })
})

describe('readRun', () => {
  test('a path that is not there, and a folder that holds no result, are named', async () => {
    const empty = await place('empty')
    assert.deepEqual(await problemsOf(readRun(join(empty, 'nothing'))), [
      `${join(empty, 'nothing')}: there is no such run folder or result.json`,
    ])
    const [problem] = await problemsOf(readRun(empty))
    assert.match(problem!, new RegExp(`^${join(empty, 'result.json')}: cannot be read`))
  })

  test('text that is not JSON is said to be that', async () => {
    const file = join(await place('text'), 'result.json')
    await writeFile(file, '{"schemaVersion": 1,')
    const [problem] = await problemsOf(readRun(file))
    assert.ok(problem!.startsWith(`${file}: is not JSON: `))
  })

  test('another schema version is refused before anything else is complained about', async () => {
    const file = join(await place('version'), 'result.json')
    await writeFile(file, '{"schemaVersion": 2}')
    assert.deepEqual(await problemsOf(readRun(file)), [`${file}: /schemaVersion is 2; this bench reads version 1`])
  })

  test('every problem names file, JSON path and the value found', async () => {
    const file = join(await place('broken'), 'result.json')
    const rest = without(fixtureResult(), 'requests')
    const broken = { ...rest, plan: { ...rest.plan, seed: 'one', responseBytes: 1.5 } }
    await writeFile(file, JSON.stringify(broken))
    const problems = await problemsOf(readRun(file))
    assert.equal(problems.length, 3)
    assert.ok(problems.includes(`${file}: / must have required properties requests`))
    assert.ok(problems.includes(`${file}: /plan/seed must be integer, got "one"`))
    assert.ok(problems.includes(`${file}: /plan/responseBytes must be integer, got 1.5`))
  })

  test('NaN, which JSON writes as null, does not pass as a measurement', async () => {
    const result = fixtureResult()
    result.rate.sentPerSec = NaN
    const folder = await writeRunFolder(await place('nan'), { result, reportMarkdown: '' })
    assert.deepEqual(await problemsOf(readRun(folder)), [
      `${join(folder, 'result.json')}: /rate/sentPerSec must be number, got null`,
    ])
  })

  test('what a later bench adds at the top is no problem', async () => {
    const file = join(await place('later'), 'result.json')
    await writeFile(file, JSON.stringify({ ...fixtureResult(), novelty: true }))
    assert.equal((await readRun(file)).profile, 't3.medium')
  })
})
