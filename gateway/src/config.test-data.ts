import type { GatewayConfigFile } from './config.ts'

/** A text that is in every secret of `FULL` and nowhere else. */
export const SECRET_MARK = 'SECRET'

/** The environment that `FULL` needs. */
export const FULL_ENV = { OPENAI_KEY: `sk-${SECRET_MARK}-1`, CALLER_KEY: `caller-${SECRET_MARK}-2-long-enough` }

/** A file that uses every setting. */
export const FULL = {
  $schema: './config.schema.json',
  config: {
    initial_pool_size: 1,
    drop_excess_requests: true,
    max_request_body_mb: 0.5,
    max_waiting_body_mb: 2,
    request_read_timeout: 1_000,
    max_request_header_kb: 8,
    prometheus_labels: ['team-id', 'service'],
    caller_keys: [
      { name: 'app', value: 'env.CALLER_KEY' },
      { name: 'cron', value: `cron-${SECRET_MARK}-key-0123` },
    ],
    request_log: {
      store: 'postgres',
      url: `postgres://log:${SECRET_MARK}@db:5432/log`,
      mode: 'synchronous',
      batch_size: 10,
      batch_interval: 20,
      max_waiting: 30,
    },
  },
  providers: {
    openai: {
      keys: [
        { name: 'a', value: 'env.OPENAI_KEY', models: ['m'], blacklisted_models: ['n'], weight: 0.25 },
        { name: 'b', value: `sk-${SECRET_MARK}-3`, enabled: false },
      ],
      concurrency_and_buffer_size: { concurrency: 2, buffer_size: 3 },
      network_config: {
        base_url: 'http://127.0.0.1:1/v1',
        extra_headers: { 'x-team': `${SECRET_MARK}-4` },
        timeout: 60_000,
        max_retries: 2,
        retry_backoff_initial: 10,
        retry_backoff_max: 20,
        stream_idle_timeout_in_seconds: 1.5,
        max_conns_per_host: 6,
        open_ahead: 5,
      },
    },
    'azure-eu': {
      custom_provider_config: { base_provider_type: 'azure' },
      keys: [
        {
          value: `az-${SECRET_MARK}-5`,
          azure_key_config: {
            endpoint: 'https://eu.openai.azure.com',
            api_version: '2025-01-01',
            deployments: { 'gpt-4o': 'eu-4o' },
          },
        },
      ],
    },
  },
} satisfies GatewayConfigFile
