import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { UsageError } from '../errors.ts'
import { fixtureResult } from '../report/fixture.test-data.ts'
import { renderMarkdown } from '../report/markdown.ts'
import { writeRunFolder } from '../run-folder.ts'
import { runReportCommand, type ReportOptions } from './report.ts'

let root: string
let medium: string
let xlarge: string
let own: string
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatebench-report-'))
  const write = (profile: string) => writeRunFolder(root, { result: fixtureResult({ profile }), reportMarkdown: '' })
  ;[medium, xlarge, own] = [await write('t3.medium'), await write('t3.xlarge'), await write('own.json')]
})
after(async () => {
  await rm(root, { recursive: true })
})

async function output(options: ReportOptions): Promise<string> {
  let text = ''
  await runReportCommand(options, { stdout: (s) => (text += s) })
  return text
}

const usageError = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof UsageError)
  assert.match(error.problems.join('\n'), pattern)
  return true
}

describe('bench report', () => {
  test('one run gives its own report', async () => {
    assert.equal(await output({ runs: [medium], published: false }), renderMarkdown(fixtureResult()))
  })

  test('two runs give the comparison', async () => {
    const text = await output({ runs: [medium, xlarge], published: false })
    assert.match(text, /\| Metric \| A: builtin, t3\.medium \| B: builtin, t3\.xlarge \| Improvement \|\n/)
  })

  test('published figures are those of the profiles of the runs, each once', async () => {
    const text = await output({ runs: [medium, xlarge, medium, own], published: true })
    assert.match(
      text,
      /\| D: builtin, own\.json \| published: Bifrost, t3\.medium \| published: Bifrost, t3\.xlarge \|\n/,
    )
    const one = await output({ runs: [xlarge], published: true })
    assert.match(one, /\| Metric \| A: builtin, t3\.xlarge \| published: Bifrost, t3\.xlarge \|\n/)
  })

  test('a profile that nobody published for is an error that names it', async () => {
    await assert.rejects(output({ runs: [own], published: true }), usageError(/^--published: .*own\.json/))
  })

  test('every run that cannot be read is reported, together', async () => {
    const runs = [join(root, 'gone'), medium, join(root, 'lost')]
    await assert.rejects(output({ runs, published: false }), usageError(/gone: .*\n.*lost: /))
  })

  test('no run at all is an error', async () => {
    await assert.rejects(output({ runs: [], published: false }), usageError(/at least one run folder/))
  })

  test('--out takes the text, and only the path is printed', async () => {
    const out = join(root, 'report.md')
    assert.equal(await output({ runs: [medium], published: false, out }), `${out}\n`)
    assert.equal(await readFile(out, 'utf8'), renderMarkdown(fixtureResult()))
  })

  test('--out into a folder that is not there is an error that names it', async () => {
    const out = join(root, 'nowhere', 'report.md')
    await assert.rejects(
      output({ runs: [medium], published: false, out }),
      usageError(/^--out: cannot write .*nowhere/),
    )
  })
})
