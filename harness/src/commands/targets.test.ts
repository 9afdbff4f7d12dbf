import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { TargetError, UsageError } from '../errors.ts'
import { TARGET_NAMES } from '../targets/known.ts'
import { renderTargets, targetsCommand } from './targets.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatebench-targets-'))
after(() => {
  rmSync(folder, { recursive: true })
})

function targetFile(name: string, install: string[][]): string {
  const path = join(folder, `${name}.json`)
  writeFileSync(path, JSON.stringify({ name, install, start: ['x'], ready: { path: '/' } }))
  return path
}

async function run(install: string[], json = false) {
  const said = { stdout: '', stderr: '' }
  const io = {
    stdout: (text: string) => (said.stdout += text),
    stderr: (text: string) => (said.stderr += text),
    signal: new AbortController().signal,
  }
  const error: unknown = await targetsCommand({ install, json }, io).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { ...said, error }
}

test('the list has one line a target: its name, what it is, and its version or how it gets there', () => {
  const text = renderTargets([
    { name: 'direct', title: 'the mock', found: { installed: true } },
    { name: 'one', title: 'a gateway', found: { installed: true, version: '1.2' } },
    { name: 'two', title: 'another', found: { installed: false, reason: 'not in /x', install: 'apt-get install two' } },
  ])
  assert.deepEqual(text.split('\n'), [
    'direct  the mock   ready',
    'one     a gateway  1.2',
    'two     another    not installed: not in /x; install it with: apt-get install two',
    '',
  ])
})

test('every known target is listed', async () => {
  const { stdout, stderr, error } = await run([], true)
  assert.equal(error, undefined)
  assert.equal(stderr, '')
  const listed = JSON.parse(stdout) as { name: string; installed: boolean }[]
  assert.deepEqual(
    listed.map(({ name }) => name),
    TARGET_NAMES,
  )
  assert.deepEqual(
    listed.filter(({ name }) => name === 'direct' || name === 'builtin').map(({ installed }) => installed),
    [true, true],
  )
})

describe('--install', () => {
  test('runs the commands one after another, and says each', async () => {
    const mark = join(folder, 'mark')
    const path = targetFile('mine', [
      ['sh', '-c', `echo a > ${mark}`],
      ['sh', '-c', `echo b >> ${mark}`],
    ])
    const { stderr, error } = await run([path])
    assert.equal(error, undefined)
    assert.equal(stderr, `$ sh -c 'echo a > ${mark}'\n$ sh -c 'echo b >> ${mark}'\n`)
    assert.equal(readFileSync(mark, 'utf8'), 'a\nb\n')
  })

  test('stops at the first that fails, and lists nothing', async () => {
    const { stdout, stderr, error } = await run([targetFile('broken', [['sh', '-c', 'exit 7'], ['never']])])
    assert.ok(error instanceof TargetError)
    assert.match(error.message, /^broken: could not be installed: Command failed with exit code 7: sh -c/)
    assert.equal(stderr, `$ sh -c 'exit 7'\n`)
    assert.equal(stdout, '')
  })

  test('refuses all at once what it cannot install, and installs nothing then', async () => {
    const { stderr, error } = await run([targetFile('fine', [['false']]), 'direct', 'ngin', 'http://127.0.0.1:1'])
    assert.ok(error instanceof UsageError)
    assert.equal(stderr, '')
    assert.equal(error.problems.length, 3)
    assert.match(error.problems.join('\n'), /nothing to install for direct.*\n.*did you mean nginx.*\n.*for http:/)
  })
})
