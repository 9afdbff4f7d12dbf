import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { ConfigError, type GatewayConfigFile, parseConfig } from './config.ts'

const MINIMAL = { providers: { openai: { keys: [{ value: 'sk-1' }] } } }

function problemsOf(file: unknown, env: Record<string, string> = {}): readonly string[] {
  try {
    parseConfig(file, env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

type NetworkFile = NonNullable<GatewayConfigFile['providers'][string]['network_config']>

const withNetwork = (network_config: NetworkFile): unknown => ({
  providers: { openai: { keys: [{ value: 'x' }], network_config } },
})

describe('parseConfig', () => {
  test('a file that says little gets the documented defaults', () => {
    const { config, warnings } = parseConfig(MINIMAL, {})
    assert.deepEqual(warnings, [])
    assert.deepEqual(config, {
      initialPoolSize: 5_000,
      dropExcessRequests: false,
      maxRequestBodyBytes: 10 * 1024 * 1024,
      maxWaitingBodyBytes: 256 * 1024 * 1024,
      requestReadTimeoutMs: 60_000,
      maxRequestHeaderBytes: 16 * 1024,
      prometheusLabels: [],
      callerKeys: [],
      providers: [
        {
          name: 'openai',
          preset: 'openai',
          keys: [
            {
              name: 'key-1',
              value: 'sk-1',
              models: 'all',
              blacklistedModels: [],
              weight: 1,
              enabled: true,
              deployments: {},
            },
          ],
          concurrency: 1_000,
          bufferSize: 5_000,
          network: {
            baseUrl: new URL('https://api.openai.com'),
            extraHeaders: {},
            timeoutMs: 30_000,
            maxRetries: 0,
            retryBackoffInitialMs: 500,
            retryBackoffMaxMs: 5_000,
            streamIdleTimeoutMs: 60_000,
            maxConnsPerHost: 5_000,
            openAhead: 0,
          },
        },
      ],
    })
  })

  test('every setting of a full file is taken', () => {
    const { config } = parseConfig(
      {
        config: { initial_pool_size: 1, drop_excess_requests: true, max_request_body_mb: 0.5 },
        providers: {
          other: {
            keys: [{ name: 'a', value: 'env.K', models: ['m'], blacklisted_models: ['n'], weight: 0.25 }],
            concurrency_and_buffer_size: { concurrency: 2, buffer_size: 3 },
            network_config: {
              base_url: 'http://127.0.0.1:1/v1',
              extra_headers: { 'x-team': 'b' },
              timeout: 60_000,
              max_conns_per_host: 4,
              open_ahead: 5,
            },
          },
        },
      },
      { K: 'secret' },
    )
    assert.deepEqual(
      [config.initialPoolSize, config.dropExcessRequests, config.maxRequestBodyBytes],
      [1, true, 512 * 1024],
    )
    assert.deepEqual(config.providers, [
      {
        name: 'other',
        preset: 'openai',
        keys: [
          {
            name: 'a',
            value: 'secret',
            models: ['m'],
            blacklistedModels: ['n'],
            weight: 0.25,
            enabled: true,
            deployments: {},
          },
        ],
        concurrency: 2,
        bufferSize: 3,
        network: {
          baseUrl: new URL('http://127.0.0.1:1/v1'),
          extraHeaders: { 'x-team': 'b' },
          timeoutMs: 60_000,
          maxRetries: 0,
          retryBackoffInitialMs: 500,
          retryBackoffMaxMs: 5_000,
          streamIdleTimeoutMs: 60_000,
          maxConnsPerHost: 4,
          openAhead: 5,
        },
      },
    ])
  })

  test('the global block may stand under config, under client, or flat', () => {
    for (const block of [
      { config: { initial_pool_size: 7 } },
      { client: { initial_pool_size: 7 } },
      { initial_pool_size: 7 },
    ]) {
      assert.equal(parseConfig({ ...MINIMAL, ...block }, {}).config.initialPoolSize, 7)
    }
  })

  test('naming one setting twice is an error that names both places', () => {
    const twice = { ...MINIMAL, client: { initial_pool_size: 1 }, initial_pool_size: 1 }
    assert.match(problemsOf(twice)[0]!, /client\.initial_pool_size and initial_pool_size: .*twice/)
    const timeouts = withNetwork({ timeout: 1, default_request_timeout_in_seconds: 1 })
    assert.match(problemsOf(timeouts)[0]!, /timeout and default_request_timeout_in_seconds/)
  })

  test('the timeout may be given in seconds', () => {
    const { config } = parseConfig(withNetwork({ default_request_timeout_in_seconds: 1.5 }), {})
    assert.equal(config.providers[0]?.network.timeoutMs, 1_500)
  })

  test('concurrency above buffer_size is refused', () => {
    const sizes = { concurrency: 6, buffer_size: 5 }
    const [problem] = problemsOf({
      providers: { openai: { keys: [{ value: 'x' }], concurrency_and_buffer_size: sizes } },
    })
    assert.match(problem!, /providers\.openai\.concurrency_and_buffer_size: concurrency \(6\).*buffer_size \(5\)/)
  })

  test('an unset variable is an error that names it, except for a disabled key', () => {
    const file = (enabled: boolean) => ({ providers: { openai: { keys: [{ value: 'env.NO_SUCH', enabled }] } } })
    assert.match(
      problemsOf(file(true))[0]!,
      /providers\.openai\.keys\.0\.value: environment variable NO_SUCH is not set/,
    )
    assert.deepEqual(problemsOf(file(false)), [])
  })

  test('models ["*"] allows all', () => {
    const { config } = parseConfig({ providers: { openai: { keys: [{ value: 'x', models: ['*'] }] } } }, {})
    assert.equal(config.providers[0]?.keys[0]?.models, 'all')
  })

  test('all problems are reported at once, each with its path', () => {
    const problems = problemsOf({
      providers: {
        mine: { keys: [], network_config: { base_url: 'nowhere', extra_headers: { Host: 'x', 'a b': 'c', d: 'e\n' } } },
        other: { keys: [{ value: 'bad\r\nkey' }] },
      },
    })
    const paths = problems.map((problem) => problem.split(':')[0])
    assert.deepEqual(paths, [
      'providers.mine.keys',
      'providers.mine.network_config.base_url',
      'providers.mine.network_config.extra_headers.Host',
      'providers.mine.network_config.extra_headers',
      'providers.mine.network_config.extra_headers.d',
      'providers.other.keys.0.value',
      'providers.other.network_config.base_url',
    ])
  })

  test('a value of the wrong type is named by its path, every one', () => {
    const problems = problemsOf({ config: { initial_pool_size: 'many' }, providers: { openai: { keys: [{}] } } })
    assert.ok(problems.some((problem) => problem.startsWith('config.initial_pool_size: ')))
    assert.ok(problems.some((problem) => problem.startsWith('providers.openai.keys.0: ')))
    assert.ok(problemsOf(null).length > 0)
    assert.ok(problemsOf({ providers: {} }).length > 0)
  })

  test('no problem repeats a key', () => {
    assert.doesNotMatch(problemsOf({ providers: { x: { keys: [{ value: 'sk-secret\n' }] } } }).join(), /sk-secret/)
  })

  test('settings that this gateway does not have are warned of, not refused', () => {
    const { warnings } = parseConfig(
      {
        config: { enable_logging: true },
        mcp: {},
        providers: {
          openai: { keys: [{ value: 'x', aliases: {} }], network_config: { retries: 3 }, proxy_config: {} },
        },
      },
      {},
    )
    const paths = warnings.map((warning) => warning.split(':')[0])
    assert.deepEqual(paths, [
      'mcp',
      'config.enable_logging',
      'providers.openai.proxy_config',
      'providers.openai.network_config.retries',
      'providers.openai.keys.0.aliases',
    ])
  })
})
