import { parseConfig } from '../config.ts'
import { Secrets } from './secrets.ts'

/** In every place that holds one. */
export const SECRETS = [
  ...['sk-provider-key-1', 'quoted"key\\with-escapes', 'header-secret-77', 'caller-key-0123456789'],
  ...['p%40ssword', 'p@ssword'],
] as const

const [PROVIDER_KEY, QUOTED_KEY, HEADER, CALLER_KEY, PASSWORD] = SECRETS

export const FILE = {
  caller_keys: [{ name: 'team', value: CALLER_KEY }],
  request_log: { store: 'postgres', url: `postgres://logger:${PASSWORD}@db.internal:5432/log` },
  providers: {
    openai: {
      keys: [
        { name: 'first', value: PROVIDER_KEY },
        { name: 'second', value: QUOTED_KEY },
      ],
      network_config: { extra_headers: { 'x-vendor': HEADER } },
    },
  },
} as const

export function knownSecrets(): Secrets {
  return new Secrets(parseConfig(FILE, {}).config)
}
