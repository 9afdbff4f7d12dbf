/** The built-in gateway with all of its rules on, as flags of bench: retries, keys, fallbacks, labels, callers' keys. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const LABELS = { 'team-id': 'red', 'service-id': 'bench', environment: 'test', tier: 'free' }
/** Not the first of the list: each of them is looked at for every request anyway. */
const OWN_KEY = 'caller-key-number-2'
const CALLER_KEYS = ['caller-key-number-1', OWN_KEY, 'caller-key-number-3']
const BODY = { fallbacks: ['openai/gpt-4o'] }

/** Without its log; for the head of a script's output. */
export const FEATURES_IN_WORDS =
  'retries 3, three keys of different weights, a fallback in the body, four labels from headers, three keys of callers'

export interface FeatureOptions {
  /** A row for each request as well: batched, SQLite. @default false */
  requestLog?: boolean
}

/** @param folder for the configuration file and the log's database; made when it is not there */
export function featureFlags(folder: string, { requestLog = false }: FeatureOptions = {}): string[] {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'features.json')
  const settings = {
    config: {
      prometheus_labels: Object.keys(LABELS),
      caller_keys: CALLER_KEYS.map((value, index) => ({ name: `caller-${index + 1}`, value })),
      ...(requestLog && { request_log: { store: 'sqlite', path: join(folder, 'requests.db') } }),
    },
    providers: {
      openai: {
        keys: [1, 2, 3].map((weight) => ({ name: `key-${weight}`, value: `sk-${weight}`, weight })),
        network_config: { max_retries: 3 },
      },
    },
  }
  writeFileSync(file, JSON.stringify(settings))
  const headers = [
    `authorization: Bearer ${OWN_KEY}`,
    ...Object.entries(LABELS).map(([label, value]) => `x-bf-dim-${label}: ${value}`),
  ]
  return [
    ...['--gateway-config', file, '--body', JSON.stringify(BODY)],
    ...headers.flatMap((header) => ['--header', header]),
  ]
}
