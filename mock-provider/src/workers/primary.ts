import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { AggregatorRegistry } from 'prom-client'
import { systemClock } from '../clock.ts'
import { MockUsageError, type WrittenConfig } from '../config.ts'
import { Control } from '../control.ts'
import { mergeStrictReports, type StrictReport } from '../strict-tally.ts'
import { isOfKind, type StartedMessage, type StartMessage } from './protocol.ts'
import { Questions, type Question, type Reply } from './questions.ts'

interface WorkerProcess {
  worker: Worker
  questions: Questions
  isListening: boolean
}

/** A worker that died is replaced after this: one that dies again and again must not take a core for it. */
const REPLACE_AFTER_MS = 1_000
/** A free port may be taken by somebody else before the first worker has it. */
const PORT_TRIES = 5

/**
 * Several processes that answer on one port. Decides what they do, its scenario included, replaces those that die, and
 * speaks for all of them. One that replaces another goes on with the config; what it draws, and its queues and limits
 * by key, begin anew. Answers that the dead one owed are lost, and with them the one connection at most that node:cluster
 * was handing to it: nobody closes that.
 */
export class Primary {
  readonly #count: number
  readonly #control: Control
  readonly #workers = new Map<number, WorkerProcess>()
  /** How many processes each place has had. */
  readonly #started: number[]
  /** Decided once: with port 0, workers that come when no other listens would get another one. */
  #port = 0
  #isUp = false
  #closing = false
  /** Settles when every worker has taken the last change. */
  #taken: Promise<unknown> = Promise.resolve()

  /** @throws {MockUsageError} */
  constructor(written: WrittenConfig) {
    this.#control = new Control(written, systemClock, (_running, patch) => {
      this.#taken = this.#values({ about: 'change', patch }, this.#workers.values())
    })
    this.#count = this.#control.running.config.workers
    this.#started = Array.from({ length: this.#count }, () => 0)
  }

  /**
   * Starts all workers; yields the base URL with the port that they got.
   * @throws what `net.Server.listen` does when the address cannot be had
   */
  async listen(): Promise<string> {
    // A worker ends by itself when this process is gone, but says so at length while node starts in it.
    process.on('exit', () => {
      for (const { worker } of this.#workers.values()) worker.process.kill('SIGKILL')
    })
    const url = await this.#startFirst()
    const others = Array.from({ length: this.#count - 1 }, (_, index) => this.#start(index + 1))
    await Promise.all(others)
    this.#isUp = true
    this.#control.startScenario()
    return url
  }

  /** Every answer is given, then all processes end. */
  async close(): Promise<void> {
    this.#closing = true
    this.#control.stopScenario()
    const listening = this.#listening()
    const exits = listening.map(({ worker }) => once(worker, 'exit'))
    await this.#values({ about: 'drain' }, listening)
    await Promise.all(exits)
  }

  async #startFirst(): Promise<string> {
    const { host, port } = this.#control.running.config
    for (let tries = 1; ; tries++) {
      this.#port = await portOf(host, port)
      try {
        return await this.#start(0)
      } catch (error) {
        const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
        if (!isTaken || port !== 0 || tries === PORT_TRIES) throw error
      }
    }
  }

  async #start(index: number): Promise<string> {
    const worker = cluster.fork()
    const questions = new Questions(worker, (question) => this.#reply(question))
    const member: WorkerProcess = { worker, questions, isListening: false }
    // From here on it gets every change: the config that it starts with is that of this moment.
    this.#workers.set(index, member)
    worker.once('exit', () => {
      if (this.#workers.get(index) === member) this.#workers.delete(index)
      questions.end()
      if (!this.#closing && (member.isListening || this.#isUp)) this.#replace(index)
    })
    const started = new Promise<StartedMessage>((resolve, reject) => {
      worker.once('exit', () => {
        // Nobody waits any more for one that Ctrl-C has ended as well.
        if (!this.#closing) reject(new Error('a worker of the mock ended before it listened'))
      })
      worker.on('message', (message: unknown) => {
        if (isOfKind<StartedMessage>(message, 'listening', 'failed')) resolve(message)
      })
    })
    const { written, running } = this.#control
    const start: StartMessage = {
      kind: 'start',
      written: { ...written, adminKey: running.config.adminKey },
      port: this.#port,
      worker: { index, count: this.#count, predecessors: this.#started[index]!++ },
    }
    // One that is gone before it could be told is noticed by its exit.
    worker.send(start, () => undefined)
    const answer = await started
    // Of what it has not answered for nobody waits: it has only just begun to listen.
    if (answer.kind === 'failed' || this.#closing) worker.process.kill('SIGKILL')
    if (answer.kind === 'failed') throw Object.assign(new Error(answer.message), { code: answer.code })
    member.isListening = true
    return answer.url
  }

  #replace(index: number): void {
    setTimeout(() => {
      // Nobody waits for this one: when it cannot listen either, its exit tries again.
      if (!this.#closing) void this.#start(index).catch(() => undefined)
    }, REPLACE_AFTER_MS)
  }

  async #reply(question: Question): Promise<Reply> {
    switch (question.about) {
      case 'change':
        return this.#change(question.patch)
      case 'metrics': {
        const snapshots = await this.#values(question, this.#listening())
        return { value: await AggregatorRegistry.aggregate(snapshots as Snapshots).metrics() }
      }
      case 'strict': {
        const reports = (await this.#values(question, this.#listening())) as (StrictReport | null | undefined)[]
        const given = reports.filter((report) => report != null)
        return { value: given.length === 0 ? undefined : mergeStrictReports(given) }
      }
      case 'drain':
        return { problems: ['only the primary says when to close'] }
    }
  }

  async #change(patch: unknown): Promise<Reply> {
    try {
      this.#control.change(patch)
    } catch (error) {
      if (!(error instanceof MockUsageError)) throw error
      return { problems: error.problems }
    }
    await this.#taken
    return { value: null }
  }

  #listening(): WorkerProcess[] {
    return [...this.#workers.values()].filter(({ isListening }) => isListening)
  }

  /** What the workers reply; of those that end meanwhile, nothing. */
  async #values(question: Question, workers: Iterable<WorkerProcess>): Promise<unknown[]> {
    const replies = await Promise.allSettled([...workers].map(({ questions }) => questions.ask(question)))
    return replies.flatMap((reply) =>
      reply.status === 'fulfilled' && 'value' in reply.value ? [reply.value.value] : [],
    )
  }
}

type Snapshots = Parameters<typeof AggregatorRegistry.aggregate>[0]

/**
 * Finds out whether the address can be had, before any process is started for it, and with port 0 which port it is.
 * @throws as `net.Server.listen` does
 */
async function portOf(host: string, port: number): Promise<number> {
  const server = createServer().listen({ host, port })
  await once(server, 'listening')
  const { port: given } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return given
}
