import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { ControlRecord } from '../compare/record.ts'
import { alive, bench, descendants, until, withFolder } from './bench.test-support.ts'

const SMALL = ['--rounds', '2', '--duration', '1', '--warmup', '0.2', '--latency', '20', '--rate', '50']

describe('bench calibrate', { concurrency: true }, () => {
  test('prints the controls as JSON, and writes them and a report', () =>
    withFolder(async (out) => {
      const { stdout, stderr, exitCode } = await bench([
        ...['calibrate', ...SMALL, '--allow-loaded', '--out', out, '--json'],
      ])
      const record = JSON.parse(stdout) as ControlRecord
      assert.deepEqual(
        record.controls.map(({ plannedUs }) => plannedUs),
        [100, 500, 2_000],
      )
      // On a loaded machine so few requests may not find them.
      assert.equal(exitCode, record.controls.every(({ holds }) => holds) ? 0 : 1, stderr)
      const [name, ...others] = await readdir(out)
      assert.deepEqual(others, [])
      assert.match(name!, /-calibrate-/)
      const folder = join(out, name!)
      assert.deepEqual((await readdir(folder)).sort(), ['calibration.json', 'report.md', 'runs'])
      // Five relays, twice.
      assert.equal((await readdir(join(folder, 'runs'))).length, 10)
      const written = JSON.parse(await readFile(join(folder, 'calibration.json'), 'utf8')) as ControlRecord
      assert.deepEqual({ ...written, ...record }, written)
      assert.match(await readFile(join(folder, 'report.md'), 'utf8'), /2,000 us|2000 us/)
    }))

  test('Ctrl-C ends it with code 130, and leaves no process behind', () =>
    withFolder(async (out) => {
      const running = bench(['calibrate', ...SMALL, '--duration', '60', '--allow-loaded', '--out', out])
      await until(() => descendants(running.pid!).length === 2, 60_000, 'mock and relay run')
      const children = descendants(running.pid!)
      running.kill('SIGINT')
      const { exitCode } = await running
      assert.equal(exitCode, 130)
      assert.deepEqual(children.filter(alive), [])
    }))
})
