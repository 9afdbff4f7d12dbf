import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderFindings } from './doctor.ts'

const FINDINGS = [
  { name: 'vCPUs', status: 'ok', value: '2', want: '2 or more' },
  { name: 'file descriptors', status: 'fail', value: '1024', want: '17800', fix: 'ulimit -n 17800' },
] as const

test('each finding is a line with its value and what would be right, and a wrong one says how to get there', () => {
  assert.equal(
    renderFindings(FINDINGS, false),
    [
      'ok    vCPUs             2  (right: 2 or more)',
      'FAIL  file descriptors  1024  (right: 17800)',
      '      fix: ulimit -n 17800',
      '',
      '1 of 2 want attention.',
      '',
    ].join('\n'),
  )
})

test('colour is there when it is asked for, and never else', () => {
  assert.match(renderFindings(FINDINGS, true), /\u001b\[31mFAIL/)
  assert.equal(renderFindings(FINDINGS, false).includes('\u001b'), false)
})
