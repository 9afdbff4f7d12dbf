import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Deadlines } from './deadlines.ts'
import { Link } from './linked-list.ts'

interface Item {
  name: string
  deadlineMs: number
}

const linkOf = (name: string): Link<Item> => new Link({ name, deadlineMs: 0 })
/** Keeps the loop alive, which the deadlines' own timer must not. */
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('what is still there at its deadline expires, in order; what was removed does not', async (t) => {
  const expired: string[] = []
  const deadlines = new Deadlines<Item>(30, ({ name }) => expired.push(name))
  t.after(() => {
    deadlines.close()
  })
  const [first, second, third] = [linkOf('first'), linkOf('second'), linkOf('third')]
  deadlines.add(first)
  deadlines.add(second)
  await sleep(15)
  deadlines.add(third)
  deadlines.remove(second)
  await sleep(20)
  assert.deepEqual(expired, ['first'])
  await sleep(40)
  assert.deepEqual(expired, ['first', 'third'])
  assert.equal(deadlines.pending, 0)
})

test('an item may be added again after its end, and expires then', async (t) => {
  const expired: string[] = []
  const deadlines = new Deadlines<Item>(10, ({ name }) => expired.push(name))
  t.after(() => {
    deadlines.close()
  })
  const link = linkOf('again')
  deadlines.add(link)
  deadlines.remove(link)
  await sleep(30)
  assert.deepEqual(expired, [])
  deadlines.add(link)
  await sleep(30)
  assert.deepEqual(expired, ['again'])
})

test('of those that are due together the newest expires first, so that its place is not given to it', async (t) => {
  const expired: string[] = []
  const deadlines = new Deadlines<Item>(10, ({ name }) => expired.push(name))
  t.after(() => {
    deadlines.close()
  })
  deadlines.add(linkOf('older'))
  deadlines.add(linkOf('newer'))
  await sleep(30)
  assert.deepEqual(expired, ['newer', 'older'])
})
