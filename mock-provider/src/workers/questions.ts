/** What two processes ask each other; both are of this program, in the same version. */
export type Question =
  | { about: 'change'; patch: unknown }
  | { about: 'metrics' }
  | { about: 'strict' }
  /** Close, when all answers are given. */
  | { about: 'drain' }

/** An answer, or everything that is wrong with the question. */
export type Reply = { value: unknown } | { problems: readonly string[] }

type Message = { kind: 'question'; id: number; question: Question } | { kind: 'reply'; id: number; reply: Reply }

/** A process at the other end of a channel: a worker as its primary has it, or `process` as a worker has it. */
export interface Channel {
  /** @param sent called with null, or why it could not be sent */
  send(message: unknown, sent: (error: Error | null) => void): unknown
  on(event: 'message', listener: (message: unknown) => void): unknown
}

/** Questions and replies over one channel, in both directions. */
export class Questions {
  readonly #channel: Channel
  readonly #open = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>()
  #nextId = 1

  /** @param answer what this end replies to the other's questions; an error is its reply as well */
  constructor(channel: Channel, answer: (question: Question) => Promise<Reply>) {
    this.#channel = channel
    channel.on('message', (message) => {
      if (!isMessage(message)) return
      if (message.kind === 'reply') {
        this.#open.get(message.id)?.resolve(message.reply)
        this.#open.delete(message.id)
        return
      }
      const { id } = message
      void answer(message.question)
        .catch((error: unknown) => ({ problems: [error instanceof Error ? error.message : String(error)] }))
        .then((reply) => {
          // Who asked and is gone needs no reply.
          channel.send({ kind: 'reply', id, reply } satisfies Message, () => undefined)
        })
    })
  }

  /** @throws {Error} when the other end is gone, or ends before it has replied */
  ask(question: Question): Promise<Reply> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject })
      this.#channel.send({ kind: 'question', id, question } satisfies Message, (error) => {
        if (!error) return
        this.#open.delete(id)
        reject(error)
      })
    })
  }

  /** The other end is gone: nothing that was asked will be answered. */
  end(): void {
    for (const { reject } of this.#open.values()) reject(new Error('the process ended before it had replied'))
    this.#open.clear()
  }
}

function isMessage(message: unknown): message is Message {
  const kind = typeof message === 'object' && message !== null && 'kind' in message ? message.kind : undefined
  return kind === 'question' || kind === 'reply'
}
