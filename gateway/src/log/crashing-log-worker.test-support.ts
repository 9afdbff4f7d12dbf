import { parentPort } from 'node:worker_threads'
import type { ToLogWorker } from './log-worker.ts'
import { CRASH } from './records.test-data.ts'

/** The log's thread, but a row whose model is `CRASH` ends it. */
parentPort!.addEventListener('message', (event) => {
  const { data: message } = event as Event & { data: ToLogWorker }
  if (message.kind !== 'batch' || !message.batch.texts.includes(CRASH)) return
  // Else the thread would write the row before it ends.
  event.stopImmediatePropagation()
  throw new Error('a bug')
})

await import('./log-worker.ts')
