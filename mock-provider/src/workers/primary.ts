import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
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
}

/** A worker that died is replaced after this: one that dies again and again must not take a core for it. */
const REPLACE_AFTER_MS = 1_000

/** Several processes that answer on one port. Replaces those that die, and speaks for all of them. */
export class Primary {
  readonly #count: number
  /** Holds the config and what is right for it; its scenario runs in the workers. */
  readonly #control: Control
  readonly #workers = new Map<number, WorkerProcess>()
  readonly #startNs = systemClock()
  #closing = false

  /** @throws {MockUsageError} */
  constructor(written: WrittenConfig) {
    this.#control = new Control(written, systemClock)
    this.#count = this.#control.running.config.workers
  }

  /**
   * Starts all workers; yields the base URL with the port that they got.
   * @throws the first worker's error when it cannot listen
   */
  async listen(): Promise<string> {
    const urls: string[] = []
    // One after the other: with port 0 the first one's port is that of all.
    for (let index = 0; index < this.#count; index++) urls.push(await this.#start(index))
    return urls[0]!
  }

  /** Every answer is given, then all processes end. */
  async close(): Promise<void> {
    this.#closing = true
    const exits = [...this.#workers.values()].map(({ worker }) => once(worker, 'exit'))
    await Promise.allSettled(this.#askAll({ about: 'drain' }))
    await Promise.all(exits)
  }

  async #start(index: number): Promise<string> {
    const worker = cluster.fork()
    const questions = new Questions(worker, (question) => this.#reply(question))
    worker.once('exit', () => {
      questions.end()
      const wasListening = this.#workers.delete(index)
      if (this.#closing || !wasListening) return
      setTimeout(() => {
        // Nobody waits for this one: when it cannot listen either, the next exit tries again.
        if (!this.#closing) void this.#start(index).catch(() => undefined)
      }, REPLACE_AFTER_MS)
    })
    const started = new Promise<StartedMessage>((resolve, reject) => {
      worker.once('exit', () => {
        reject(new Error('a worker of the mock ended before it listened'))
      })
      worker.on('message', (message: unknown) => {
        if (isOfKind<StartedMessage>(message, 'listening', 'failed')) resolve(message)
      })
    })
    const scenarioElapsedMs = (systemClock() - this.#startNs) / 1e6
    const { written } = this.#control
    worker.send({ kind: 'start', written, index, count: this.#count, scenarioElapsedMs } satisfies StartMessage)
    const answer = await started
    if (answer.kind === 'failed') {
      worker.kill('SIGKILL')
      throw Object.assign(new Error(answer.message), { code: answer.code })
    }
    this.#workers.set(index, { worker, questions })
    return answer.url
  }

  async #reply(question: Question): Promise<Reply> {
    switch (question.about) {
      case 'change':
        return this.#change(question.patch)
      case 'metrics': {
        const snapshots = (await this.#values(question)) as Parameters<typeof AggregatorRegistry.aggregate>[0]
        return { value: await AggregatorRegistry.aggregate(snapshots).metrics() }
      }
      case 'strict': {
        const reports = (await this.#values(question)) as (StrictReport | null | undefined)[]
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
    await this.#values({ about: 'change', patch })
    return { value: null }
  }

  /** What the workers reply; of those that end meanwhile, nothing. */
  async #values(question: Question): Promise<unknown[]> {
    const replies = await Promise.allSettled(this.#askAll(question))
    return replies.flatMap((reply) =>
      reply.status === 'fulfilled' && 'value' in reply.value ? [reply.value.value] : [],
    )
  }

  #askAll(question: Question): Promise<Reply>[] {
    return [...this.#workers.values()].map(({ questions }) => questions.ask(question))
  }
}
