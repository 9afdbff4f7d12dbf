import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { readComparison } from '../compare/folder.ts'
import { readRun } from '../run-folder.ts'
import { alive, bench, descendants, until, withFolder } from './bench.test-support.ts'

// Wherever this runs, Bifrost is not there.
process.env['GATEBENCH_HOME'] = '/nowhere/gatebench'
process.env['PATH'] = dirname(process.execPath)
delete process.env['BIFROST_BIN']

const SMALL = [
  ...['--rounds', '2', '--duration', '1', '--warmup', '0.2', '--latency', '20', '--cooldown', '0'],
  ...['--skip-controls', '--allow-loaded'],
]

/** The one folder that a command has made in `out`. */
async function onlyFolder(out: string): Promise<string> {
  const [name, ...others] = await readdir(out)
  assert.ok(name !== undefined && others.length === 0, `one folder in ${out}`)
  return join(out, name)
}

describe('bench compare', { concurrency: true }, () => {
  test('reports a target that is missing with the reason, measures the others, and ends with code 1', () =>
    withFolder(async (out) => {
      const { exitCode, stdout, stderr } = await bench([
        ...['compare', '--targets', 'direct,bifrost', ...SMALL, '--out', out],
      ])
      assert.equal(exitCode, 1, stderr)
      const folder = await onlyFolder(out)
      const { targets, interrupted, order } = await readComparison(folder)
      assert.equal(interrupted, undefined)
      assert.deepEqual(order, [['direct'], ['direct']])
      const [direct, bifrost] = targets
      assert.deepEqual([direct!.name, direct!.status, direct!.turns.length], ['direct', 'measured', 2])
      assert.equal(direct!.requests?.ok, 80)
      assert.deepEqual([bifrost!.name, bifrost!.status, bifrost!.turns], ['bifrost', 'missing', []])
      assert.match(bifrost!.reason!, /^not in \/nowhere\/gatebench\/.*bench targets --install bifrost$/)
      const report = await readFile(join(folder, 'report.md'), 'utf8')
      for (const [place, text] of Object.entries({ report, stdout, stderr })) {
        assert.ok(text.includes('bench targets --install bifrost'), `the reason is in ${place}`)
      }
      for (const { run } of direct!.turns) {
        assert.match(run!, /^runs\//)
        assert.equal((await readRun(join(folder, run!))).requests.ok, 40)
      }
      assert.equal((await readdir(join(folder, 'runs'))).length, 2)
    }))

  test('keeps after Ctrl-C the turn that was measured, ends with code 130 and leaves no process behind', () =>
    withFolder(async (out) => {
      const running = bench(['compare', '--targets', 'direct,again=direct', ...SMALL, '--out', out])
      let progress = ''
      running.stderr.on('data', (text: Buffer) => (progress += text.toString()))
      await until(() => /round 1 of 2, 2 of 2/.test(progress), 60_000, 'the second turn has begun')
      const children = descendants(running.pid!)
      assert.ok(children.length > 0, 'the mock')
      running.kill('SIGINT')
      const { exitCode, stderr } = await running
      assert.equal(exitCode, 130, stderr)
      const { interrupted, targets } = await readComparison(await onlyFolder(out))
      assert.equal(interrupted, true)
      assert.deepEqual(targets.map(({ turns }) => turns.length).sort(), [0, 1])
      assert.deepEqual(targets.map(({ status }) => status).sort(), ['failed', 'measured'])
      assert.deepEqual(children.filter(alive), [])
    }))

  for (const { what, flags, problems } of [
    {
      what: 'flags',
      flags: ['--targets', 'direct,direct', '--rounds', '1', '--instance', 't9.huge', '--cooldown', 'long'],
      problems: ['targets: "direct" is there twice', 'rounds: ', 'instance: ', 'cooldown: "long"'],
    },
    {
      what: 'flags together',
      flags: ['--probe-rate', '0'],
      problems: ['probe-rate: must be above 0', 'targets: name what'],
    },
  ]) {
    test(`names every problem of its ${what} at once, with code 2, and starts nothing`, () =>
      withFolder(async (parent) => {
        const { exitCode, stdout, stderr } = await bench(['compare', ...flags, '--out', join(parent, 'results')])
        assert.deepEqual([exitCode, stdout], [2, ''])
        for (const problem of problems) assert.ok(stderr.includes(`--${problem}`), `${problem} in ${stderr}`)
        assert.match(stderr, new RegExp(`^bench: ${problems.length} problems`))
        assert.deepEqual(await readdir(parent), [])
      }))
  }
})
