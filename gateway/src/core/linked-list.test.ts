import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { Link, LinkedList } from './linked-list.ts'

test('behaves as an array under any sequence of joining and leaving', () => {
  const step = fc.record({
    action: fc.constantFrom('push', 'shift', 'pop', 'remove'),
    at: fc.nat({ max: 7 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const links = Array.from({ length: 8 }, (_, index) => new Link(index))
      const list = new LinkedList<number>()
      const model: number[] = []
      for (const { action, at } of steps) {
        if (action === 'push' && !model.includes(at)) {
          list.push(links[at]!)
          model.push(at)
        } else if (action === 'shift') assert.equal(list.shift(), model.shift())
        else if (action === 'pop') assert.equal(list.pop(), model.pop())
        else if (action === 'remove') {
          const index = model.indexOf(at)
          assert.equal(list.remove(links[at]!), index >= 0)
          if (index >= 0) model.splice(index, 1)
        }
        assert.equal(list.length, model.length)
        assert.equal(list.first, model[0])
      }
      const rest: (number | undefined)[] = []
      while (list.length > 0) rest.push(list.shift())
      assert.deepEqual(rest, model)
    }),
  )
})

test('a link is in one list at a time', () => {
  const link = new Link('a')
  const here = new LinkedList<string>()
  const there = new LinkedList<string>()
  here.push(link)
  assert.throws(() => {
    there.push(link)
  }, /already in a list/)
  assert.equal(there.remove(link), false)
  assert.equal(here.length, 1)
})
