import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Diff } from '../diff/diff.ts'
import { runOf, secondsAround } from '../diff/runs.test-data.ts'
import { UsageError } from '../errors.ts'
import { Histogram, LATENCY_US, openHistogramLog } from '../histogram.ts'
import { writeRunFolder } from '../run-folder.ts'
import { diffCommand, type DiffOptions } from './diff.ts'

let root: string
let base: string
let slower: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatebench-diff-'))
  base = join(root, 'base')
  slower = join(root, 'slower')
  for (const centreUs of [1000, 1010]) await writeRun(base, centreUs)
  for (const centreUs of [1500, 1510]) await writeRun(slower, centreUs)
  // A run that is being written, and a file that is none.
  await mkdir(join(base, '.draft-1'))
  await writeFile(join(base, 'notes.md'), '')
})
after(async () => {
  await rm(root, { recursive: true })
})

/** A run of two seconds, with its log. */
function writeRun(outDir: string, centreUs: number): Promise<string> {
  const secondsUs = secondsAround(centreUs, { seconds: 2, count: 10 })
  const lines: string[] = []
  const log = openHistogramLog((text) => lines.push(text), 0, 'test')
  for (const [second, latenciesUs] of secondsUs.entries()) {
    const histogram = new Histogram(LATENCY_US)
    for (const us of latenciesUs) histogram.record(us)
    histogram.writeLogLine(log, second, second + 1)
  }
  const { result } = runOf({ secondsUs })
  return writeRunFolder(outDir, { result, reportMarkdown: '', hlog: lines.join('') })
}

async function run(options: Partial<DiffOptions>): Promise<{ exitCode: number; text: string }> {
  let text = ''
  const defaults = { base, now: slower, max: [], allowInvalid: false, json: false }
  const { exitCode } = await diffCommand({ ...defaults, ...options }, { stdout: (part) => (text += part) })
  return { exitCode, text }
}

const usageError = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UsageError)
  assert.match(error.problems.join('\n'), pattern)
  return true
}

describe('bench diff', () => {
  test('a folder of runs is a side; a regression has code 1', async () => {
    const { exitCode, text } = await run({ max: ['p99=+10%', 'mean=+100%'] })
    assert.equal(exitCode, 1)
    assert.match(text, /\*\*Regression in `p99`\.\*\*/)
    assert.match(text, /Means of 2 runs of BASE and 2 of NEW/)
  })

  test('the other way round nothing regresses: code 0', async () => {
    const { exitCode, text } = await run({ base: slower, now: base, max: ['p99=+10%'] })
    assert.equal(exitCode, 0)
    assert.match(text, /\*\*No regression\.\*\*/)
  })

  test('differences without a limit have code 0', async () => {
    assert.equal((await run({})).exitCode, 0)
  })

  test('run folders with commas are a side, and a result.json is a run with its log', async () => {
    const name = '20261120T170331Z-builtin-t3.medium'
    const both = `${join(base, name)},${join(base, `${name}-2`)}`
    const { text } = await run({ base: both, now: join(slower, name, 'result.json'), json: true })
    const found = JSON.parse(text) as Diff
    assert.deepEqual([found.base.length, found.new.length], [2, 1])
    const p99 = found.metrics.find(({ metric }) => metric === 'p99')
    assert.equal(p99?.noise, 'seconds')
    assert.ok(Math.abs(p99.change - 0.495) < 1e-9)
  })

  test('--out takes the text, and only the path is printed', async () => {
    const out = join(root, 'comment.md')
    assert.equal((await run({ out })).text, `${out}\n`)
    assert.equal(await readFile(out, 'utf8'), (await run({})).text)
    await assert.rejects(run({ out: join(root, 'no', 'where') }), usageError(/^--out: cannot write /))
  })

  test('bad limits and paths of both sides are reported, together', async () => {
    const wrong = { base: `${base},,${join(root, 'gone')}`, now: root, max: ['p99=10%'] }
    await assert.rejects(run(wrong), usageError(/p99=10%.*\nBASE: an empty path.*\n.*gone: .*\nNEW: .*: neither a run/))
  })

  test('a run named twice is refused: it would pass for a repeat', async () => {
    await assert.rejects(run({ base: `${base},${base}/.` }), usageError(/named twice.*\n.*named twice/))
  })

  test('a log that is none is named', async () => {
    const folder = await writeRun(join(root, 'broken'), 1000)
    await writeFile(join(folder, 'latency.hlog'), '#[Histogram log format version 9.9]\n1,1,1,HISTFAA\n')
    await assert.rejects(run({ now: folder }), usageError(/latency\.hlog: is not a histogram log/))
  })
})
