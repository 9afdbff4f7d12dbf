/** A place in a LinkedList. Whoever may wait in a list owns its link, so that joining and leaving allocate nothing. */
export class Link<T> {
  readonly value: T
  list: LinkedList<T> | null = null
  previous: Link<T> | null = null
  next: Link<T> | null = null

  constructor(value: T) {
    this.value = value
  }
}

/** An intrusive doubly linked list: joining at the end, leaving from either end or the middle, all in constant time. */
export class LinkedList<T> {
  length = 0
  private head: Link<T> | null = null
  private tail: Link<T> | null = null

  get first(): T | undefined {
    return this.head?.value
  }

  push(link: Link<T>): void {
    if (link.list !== null) throw new Error('link is already in a list')
    link.list = this
    link.previous = this.tail
    if (this.tail === null) this.head = link
    else this.tail.next = link
    this.tail = link
    this.length++
  }

  /** Takes the oldest: first in, first out. */
  shift(): T | undefined {
    const link = this.head
    if (link === null) return undefined
    this.remove(link)
    return link.value
  }

  /** Takes the newest: last in, first out. */
  pop(): T | undefined {
    const link = this.tail
    if (link === null) return undefined
    this.remove(link)
    return link.value
  }

  /** False when the link is not in this list. */
  remove(link: Link<T>): boolean {
    if (link.list !== this) return false
    if (link.previous === null) this.head = link.next
    else link.previous.next = link.next
    if (link.next === null) this.tail = link.previous
    else link.next.previous = link.previous
    link.list = null
    link.previous = null
    link.next = null
    this.length--
    return true
  }
}
