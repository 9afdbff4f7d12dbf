import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { UsageError } from '../errors.ts'
import { claimOf, figureOf } from '../verify/verify.test-data.ts'
import { shippedClaims, verifyCommand } from './verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatebench-verify-'))
after(() => {
  rmSync(folder, { recursive: true })
})

function fileOf(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

async function run(claims: readonly string[], json = false) {
  const said = { stdout: '', stderr: '' }
  const io = {
    stdout: (text: string) => void (said.stdout += text),
    stderr: (text: string) => void (said.stderr += text),
    ...{ color: false, isTTY: false, signal: new AbortController().signal, command: ['verify', ...claims] },
  }
  const { exitCode } = await verifyCommand({ claims, out: join(folder, 'out'), allowLoaded: true, json }, io)
  return { ...said, exitCode }
}

/** No machine can test it: bench has no such target. */
const UNTESTABLE = claimOf([figureOf({ metric: 'client_overhead_mean' })], { target: null })

describe('bench verify', () => {
  test('without a claim lists those that come with it', async () => {
    const { stdout, exitCode } = await run([])
    const [head, ...lines] = stdout.trimEnd().split('\n')
    assert.equal(head, 'Claims that come with bench; "bench verify NAME" runs one:')
    assert.deepEqual(
      lines,
      shippedClaims().map((name) => `  ${name}`),
    )
    assert.ok(shippedClaims().includes('bifrost-t3.medium'))
    assert.equal(exitCode, 0)
  })

  test('refuses bad files with every problem of every one', async () => {
    const noJson = fileOf('no.json', '{')
    const wrong = fileOf('wrong.json', { ...UNTESTABLE, who: '', figures: [figureOf({ unit: 'MiB', value: 0 })] })
    const contradicts = fileOf('contradicts.json', { ...UNTESTABLE, figures: [figureOf({ unit: 'MiB', value: 0 })] })
    const absent = join(folder, 'absent.json')
    await assert.rejects(run([noJson, wrong, 'litellm-docs', contradicts, absent]), (error) => {
      assert.ok(error instanceof UsageError)
      assert.deepEqual(
        error.problems.map((problem) => problem.slice(0, problem.indexOf(':'))),
        [noJson, wrong, contradicts, contradicts, absent],
      )
      assert.match(error.problems[0]!, /is not JSON/)
      assert.match(error.problems[1]!, /\/who/)
      assert.match(error.problems[2]!, /unit of published_overhead must be .* got "MiB"/)
      assert.match(error.problems[3]!, /value must be above 0, got 0/)
      assert.match(error.problems[4]!, /cannot be read/)
      return true
    })
  })

  test('of claims that cannot be tested here is code 3, says why, and leaves no folder', async () => {
    const file = fileOf('untestable.json', UNTESTABLE)
    const { stdout, exitCode } = await run([file])
    assert.equal(exitCode, 3)
    assert.match(stdout, /bench has no target for Example Gateway/)
    assert.equal(readdirSync(folder).includes('out'), false)
  })

  test('--json prints claim and plan of each, and nothing else', async () => {
    const file = fileOf('untestable.json', UNTESTABLE)
    const { stdout, stderr, exitCode } = await run([file, file], true)
    const found = JSON.parse(stdout) as { claim: { id: string }; plan: { testable: boolean } }[]
    assert.deepEqual(
      found.map(({ claim, plan }) => [claim.id, plan.testable]),
      [
        ['example', false],
        ['example', false],
      ],
    )
    assert.deepEqual([stderr, exitCode], ['', 3])
  })
})
