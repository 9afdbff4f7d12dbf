import type { KeyConfig } from '../config.ts'
import { KeySelector } from './key-selector.ts'
import { Link } from './linked-list.ts'
import { ProviderQueue } from './provider-queue.ts'
import { openai } from './providers/openai.ts'
import { measureClockCostNs, nowMs } from './stage-clock.ts'
import type { StageName } from './stages.ts'

/** Mean ns of one call, for the stages that are functions of the request alone. */
export type BatchMeans = Partial<Record<StageName, number>>

/** What stages that are shorter than a clock call cost on this machine. */
export interface Measured {
  clockCostNs: number
  batchMeansNs: BatchMeans
}

/** Takes about 50 ms of the process's whole time. */
export function measureGateway(): Measured {
  return { clockCostNs: measureClockCostNs(), batchMeansNs: measureBatchMeans() }
}

const KEY: KeyConfig = {
  name: 'k',
  value: '',
  models: ['gpt-4o-mini'],
  blacklistedModels: [],
  weight: 1,
  enabled: true,
  deployments: {},
}
const REQUEST = {
  model: 'openai/gpt-4o-mini',
  messages: [{ role: 'user', content: 'How much does a gateway cost, and who says so?' }],
  temperature: 0.7,
  max_tokens: 256,
}
const ANSWER = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-1-1500000-1500000',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, message: { role: 'assistant', content: 'a'.repeat(1_100) }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 20, completion_tokens: 275, total_tokens: 295 },
  }),
)
const EXTRA = {
  provider: 'openai',
  resolvedModel: 'gpt-4o-mini',
  latencyMs: 1_500,
  requestType: 'chat_completion',
} as const

/**
 * A stage that is shorter than a clock call cannot be timed one request at a time: this times the same work in a
 * batch, on a typical request (130 B) and answer (1.4 KB). Takes 6 ms a stage.
 */
export function measureBatchMeans(budgetMs = 6): BatchMeans {
  const selector = new KeySelector([KEY, { ...KEY, name: 'k2' }])
  const queue = new ProviderQueue<null>({ concurrency: 1, bufferSize: 1, dropExcess: false, process: () => undefined })
  const link = new Link(null)
  const messages = openai.chat.formatMessages(REQUEST)
  const params = openai.chat.prepareParams(REQUEST)
  const body = openai.chat.prepareBody('gpt-4o-mini', messages, params)
  return {
    queue_wait: meanNs(budgetMs, () => {
      queue.enter(link)
      queue.leave()
      return queue.active
    }),
    key_selection: meanNs(budgetMs, () => selector.pick('gpt-4o-mini', 0.5)),
    message_formatting: meanNs(budgetMs, () => openai.chat.formatMessages(REQUEST)),
    params_preparation: meanNs(budgetMs, () => openai.chat.prepareParams(REQUEST)),
    request_body_preparation: meanNs(budgetMs, () => openai.chat.prepareBody('gpt-4o-mini', messages, params)),
    json_marshaling: meanNs(budgetMs, () => JSON.stringify(body)),
    response_parsing: meanNs(budgetMs, () => openai.chat.parseAnswer(ANSWER, EXTRA)),
  }
}

/** The latest call's result: exported, so that the optimiser may not drop work whose result nobody reads. */
export let sink: unknown

function meanNs(budgetMs: number, work: () => unknown): number {
  const CALLS_PER_BATCH = 100
  const startMs = nowMs()
  // The first half warms up the code and is not counted.
  let countedFromMs = startMs
  let calls = 0
  let warm = false
  for (;;) {
    for (let call = 0; call < CALLS_PER_BATCH; call++) sink = work()
    calls += CALLS_PER_BATCH
    const now = nowMs()
    if (!warm && now - startMs >= budgetMs / 2) {
      warm = true
      calls = 0
      countedFromMs = now
    } else if (warm && now - startMs >= budgetMs) {
      return ((now - countedFromMs) * 1e6) / calls
    }
  }
}
