/** Questions to another process, each with a number that its answer carries. */
export class Questions<Answer> {
  private readonly open = new Map<number, (answer: Answer | undefined) => void>()
  private nextId = 1
  private closed = false

  /**
   * @param send asks; its answer comes to `answered`
   * @param limitMs of the wait for it. @default as long as the other process lives
   * @returns undefined when no answer came
   */
  async ask(send: (id: number) => void, limitMs?: number): Promise<Answer | undefined> {
    if (this.closed) return undefined
    const id = this.nextId++
    let timer: NodeJS.Timeout | undefined
    const answer = await new Promise<Answer | undefined>((resolve) => {
      this.open.set(id, resolve)
      if (limitMs !== undefined) timer = setTimeout(resolve, limitMs, undefined)
      send(id)
    })
    clearTimeout(timer)
    this.open.delete(id)
    return answer
  }

  /** Answers that nobody waits for any more change nothing. */
  answered(id: number, answer: Answer): void {
    this.open.get(id)?.(answer)
  }

  /** The other process is gone. */
  close(): void {
    this.closed = true
    for (const resolve of this.open.values()) resolve(undefined)
  }
}
