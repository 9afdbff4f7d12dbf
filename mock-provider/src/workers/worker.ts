import cluster from 'node:cluster'
import { MockUsageError, type WrittenConfig } from '../config.ts'
import type { Peers } from '../peers.ts'
import { createMockServer } from '../server.ts'
import type { StrictReport } from '../strict-tally.ts'
import { isOfKind, type StartedMessage, type StartMessage } from './protocol.ts'
import { Questions, type Question, type Reply } from './questions.ts'

/** One of several processes of the mock: answers as the primary says, and asks it what concerns all of them. */
export function runWorker(): void {
  // A terminal's Ctrl-C reaches every process: the primary tells when to close.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  // A message to a primary that is gone, before node has noticed that and ends this process.
  cluster.worker?.on('error', () => process.exit(1))
  process.once('message', (message) => {
    if (isOfKind<StartMessage>(message, 'start')) void start(message)
  })
}

async function start({ written, port, worker }: StartMessage): Promise<void> {
  const send = (message: unknown, sent?: (error: Error | null) => void) => process.send?.(message, undefined, {}, sent)
  const questions = new Questions({ send, on: (_event, listener) => process.on('message', listener) }, (question) =>
    reply(question),
  )
  const peers: Peers = {
    async change(patch) {
      const answer = await questions.ask({ about: 'change', patch })
      if ('problems' in answer) throw new MockUsageError(answer.problems, 'the config')
    },
    metrics: async () => (await valueOf(questions, { about: 'metrics' })) as string,
    strictReport: async () => (await valueOf(questions, { about: 'strict' })) as StrictReport | undefined,
  }
  const server = createMockServer(written, { port, worker, peers })

  async function reply(question: Question): Promise<Reply> {
    switch (question.about) {
      case 'change':
        server.control.follow(question.patch as WrittenConfig)
        return { value: null }
      case 'metrics':
        return { value: await server.tally.registry.getMetricsAsJSON() }
      case 'strict':
        return { value: server.control.running.strict?.tally.report() }
      case 'drain':
        await server.close()
        setImmediate(() => process.exit(0))
        return { value: null }
    }
  }

  try {
    send({ kind: 'listening', url: await server.listen() } satisfies StartedMessage)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    send({ kind: 'failed', code, message } satisfies StartedMessage)
  }
}

async function valueOf(questions: Questions, question: Question): Promise<unknown> {
  const answer = await questions.ask(question)
  if ('problems' in answer) throw new Error(answer.problems.join('; '))
  return answer.value
}
