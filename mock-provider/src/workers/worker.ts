import { MockUsageError } from '../config.ts'
import type { Peers } from '../peers.ts'
import { createMockServer } from '../server.ts'
import type { StrictReport } from '../strict-tally.ts'
import { isOfKind, type StartedMessage, type StartMessage } from './protocol.ts'
import { Questions, type Question, type Reply } from './questions.ts'

/** One of several processes of the mock: answers as the primary says, and asks it what concerns all of them. */
export function runWorker(): void {
  // A terminal's Ctrl-C reaches every process: the primary tells when to close.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined)
  process.once('message', (message) => {
    if (isOfKind<StartMessage>(message, 'start')) void start(message)
  })
}

async function start({ written, index, count, scenarioElapsedMs }: StartMessage): Promise<void> {
  const send = (message: unknown) => process.send?.(message)
  let alone: Peers | undefined
  const questions = new Questions({ send, on: (_event, listener) => process.on('message', listener) }, (question) =>
    reply(question),
  )
  const server = createMockServer(written, {
    worker: { index, count },
    scenarioElapsedMs,
    peers: (self) => {
      alone = self
      return {
        async change(patch) {
          const answer = await questions.ask({ about: 'change', patch })
          if ('problems' in answer) throw new MockUsageError(answer.problems, 'the config')
        },
        metrics: async () => (await valueOf(questions, { about: 'metrics' })) as string,
        strictReport: async () => (await valueOf(questions, { about: 'strict' })) as StrictReport | undefined,
      }
    },
  })

  async function reply(question: Question): Promise<Reply> {
    switch (question.about) {
      case 'change':
        await alone?.change(question.patch)
        return { value: null }
      case 'metrics':
        return { value: await server.tally.registry.getMetricsAsJSON() }
      case 'strict':
        return { value: await alone?.strictReport() }
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
