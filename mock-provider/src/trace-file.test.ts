import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parseDistribution, type Quantity } from './distribution.ts'
import { readTraceFile, resolveTraceFile } from './trace-file.ts'
import { parseDurationMs } from './units.ts'

const DELAY: Quantity = { parse: parseDurationMs, minimum: 0, maximum: 3_600_000, scale: 1_000, unit: ' ms' }

const folder = mkdtempSync(join(tmpdir(), 'gatebench-trace-'))
after(() => {
  rmSync(folder, { recursive: true })
})

function fileOf(text: string): string {
  const path = join(folder, 'delays.txt')
  writeFileSync(path, text)
  return path
}

describe('a trace file', () => {
  test('has one value a line; blank lines and lines that start with # are passed over', () => {
    const path = fileOf('# measured on Monday\n1.5s\n\n  300ms\r\n#0\n250')
    assert.deepEqual(readTraceFile(path, DELAY), { ok: true, value: { trace: ['1.5s', '300ms', '250'] } })
  })

  test('yields what a distribution is made of', () => {
    const read = readTraceFile(fileOf('1s\n0.0001ms\n2\n'), DELAY)
    assert.ok(read.ok)
    const parsed = parseDistribution(read.value, DELAY)
    assert.ok(parsed.ok)
    const next = parsed.value.sampler(() => assert.fail('something was drawn'))
    assert.deepEqual([next(), next(), next(), next()], [1_000_000, 0, 2_000, 1_000_000])
  })

  test('is refused with its name and the line that is wrong', () => {
    const unreadable = fileOf('# header\n1s\n\nfast\n')
    assert.deepEqual(readTraceFile(unreadable, DELAY), {
      ok: false,
      problem: `${unreadable}:4: "fast" is not a duration; write 1500, 1500ms or 1.5s`,
    })
    const tooLong = fileOf('1s\n5000s\n')
    assert.deepEqual(readTraceFile(tooLong, DELAY), {
      ok: false,
      problem: `${tooLong}:2: must be at most 3600000 ms, got 5000000 ms`,
    })
  })

  test('has at least one value and at most a million', () => {
    const empty = fileOf('# nothing\n\n')
    assert.deepEqual(readTraceFile(empty, DELAY), {
      ok: false,
      problem: `${empty}: a trace must have 1 to 1000000 values, got 0`,
    })
    assert.equal(readTraceFile(fileOf('1\n'.repeat(1_000_000)), DELAY).ok, true)
    assert.equal(readTraceFile(fileOf('1\n'.repeat(1_000_001)), DELAY).ok, false)
  })

  test('that is not there is refused with its name', () => {
    const path = join(folder, 'missing.txt')
    const read = readTraceFile(path, DELAY)
    assert.ok(!read.ok)
    assert.ok(read.problem.startsWith(`${path}: cannot be read: ENOENT`), read.problem)
  })
})

describe('a spec', () => {
  test('that is trace:FILE becomes the trace of that file', () => {
    assert.deepEqual(resolveTraceFile(`trace:${fileOf('1s\n')}`, DELAY), { ok: true, value: { trace: ['1s'] } })
    assert.equal(resolveTraceFile(`trace:${join(folder, 'missing.txt')}`, DELAY).ok, false)
  })

  test('that is anything else stays as it is', () => {
    for (const spec of ['1500ms', 1_500, 'gamma:1s:2s', { trace: [1] }, undefined]) {
      assert.deepEqual(resolveTraceFile(spec, DELAY), { ok: true, value: spec })
    }
  })
})
