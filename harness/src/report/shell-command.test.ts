import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { shellCommand } from './shell-command.ts'

test('plain words are left as they are', () => {
  assert.equal(shellCommand(['run', '--rate', '5000', '--out=a/b']), 'bench run --rate 5000 --out=a/b')
})

test('a shell reads back the very words', () => {
  const words = ['', 'a b', "it's", '$HOME `id` "x" \\', 'new\nline', '*', '~', '#no', '!x', 'a;b&c|d<e>f(g)']
  const script = `bench() { for word; do printf '%s\\0' "$word"; done; }\n${shellCommand(words)}`
  assert.deepEqual(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1), words)
})
