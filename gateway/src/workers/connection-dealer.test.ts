import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { ConnectionDealer, type Seat } from './connection-dealer.ts'

/** It can be told apart and closed. */
class FakeSocket {
  readonly name: string
  destroyed = false

  constructor(name: string) {
    this.name = name
  }

  destroy(): void {
    this.destroyed = true
  }
}

const socket = (name: string): FakeSocket => new FakeSocket(name)

/** A worker that remembers what it was given and answers when told. */
class FakeSeat implements Seat<FakeSocket> {
  readonly given: { id: number; name: string }[] = []

  hand(id: number, { name }: FakeSocket): void {
    this.given.push({ id, name })
  }

  get names(): string {
    return this.given.map(({ name }) => name).join(' ')
  }

  answerAll(dealer: ConnectionDealer<FakeSocket>, adopted = true): void {
    for (const { id } of this.given.splice(0)) dealer.settle(this, id, adopted)
  }
}

function dealerOf(...seats: FakeSeat[]): ConnectionDealer<FakeSocket> {
  const dealer = new ConnectionDealer<FakeSocket>()
  for (const seat of seats) dealer.join(seat)
  return dealer
}

describe('ConnectionDealer', () => {
  test('deals in turn', () => {
    const [a, b] = [new FakeSeat(), new FakeSeat()]
    const dealer = dealerOf(a, b)
    for (const name of ['1', '2', '3', '4']) dealer.deal(socket(name))
    assert.deepEqual([a.names, b.names], ['1 3', '2 4'])
  })

  test('a worker that does not answer gets no more than the others have outstanding', () => {
    const [hung, busy] = [new FakeSeat(), new FakeSeat()]
    const dealer = dealerOf(hung, busy)
    dealer.deal(socket('1'))
    for (const name of ['2', '3', '4']) {
      dealer.deal(socket(name))
      assert.equal(busy.names, name)
      busy.answerAll(dealer)
    }
    assert.equal(hung.names, '1')
  })

  test('an adopted connection is closed here: the worker has it', () => {
    const seat = new FakeSeat()
    const dealer = dealerOf(seat)
    const one = socket('1')
    dealer.deal(one)
    assert.equal(one.destroyed, false)
    seat.answerAll(dealer)
    assert.equal(one.destroyed, true)
  })

  test('a refused connection goes to another worker, open', () => {
    const [refusing, other] = [new FakeSeat(), new FakeSeat()]
    const dealer = dealerOf(refusing, other)
    const one = socket('1')
    dealer.deal(one)
    dealer.leave(refusing)
    refusing.answerAll(dealer, false)
    assert.deepEqual([other.names, one.destroyed], ['1', false])
  })

  test('what a dead worker has not answered for goes to others, but not before its last answer could be read', () => {
    const [dead, other] = [new FakeSeat(), new FakeSeat()]
    const dealer = dealerOf(dead)
    const [read, unread] = [socket('read'), socket('unread')]
    dealer.deal(read)
    dealer.deal(unread)
    dealer.join(other)
    dealer.leave(dead)
    assert.equal(other.names, '')
    dealer.settle(dead, dead.given[0]!.id, true)
    dealer.dealAgain(dead)
    assert.deepEqual([other.names, read.destroyed, unread.destroyed], ['unread', true, false])
  })

  test('while nobody takes any, connections wait in the order of their arrival', () => {
    const dealer = dealerOf()
    dealer.deal(socket('1'))
    dealer.deal(socket('2'))
    assert.equal(dealer.waitingCount, 2)
    const seat = new FakeSeat()
    dealer.join(seat)
    assert.deepEqual([seat.names, dealer.waitingCount], ['1 2', 0])
  })

  test('once closed, only what a worker has adopted is served', () => {
    const seat = new FakeSeat()
    const dealer = dealerOf(seat)
    const [given, late] = [socket('given'), socket('late')]
    dealer.deal(given)
    dealer.close()
    dealer.deal(late)
    seat.answerAll(dealer, false)
    assert.deepEqual([given.destroyed, late.destroyed], [true, true])
  })
})
