import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Questions } from './questions.ts'

describe('Questions', () => {
  test('each answer finds its question', async () => {
    const questions = new Questions<string>()
    const ids: number[] = []
    const answers = [1, 2].map(() => questions.ask((id) => ids.push(id)))
    questions.answered(ids[1]!, 'second')
    questions.answered(ids[0]!, 'first')
    assert.deepEqual(await Promise.all(answers), ['first', 'second'])
  })

  test('no answer: undefined, at the limit or when the other process is gone', async () => {
    const questions = new Questions<string>()
    assert.equal(await questions.ask(() => undefined, 1), undefined)
    const open = questions.ask(() => undefined)
    questions.close()
    assert.equal(await open, undefined)
    assert.equal(await questions.ask(() => assert.fail('asked nobody')), undefined)
  })
})
