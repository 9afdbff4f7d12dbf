import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { FULL, FULL_ENV } from './config.test-data.ts'
import { ConfigError, DEFAULTS, type GatewayConfigFile, parseConfig, parseConfigText } from './config.ts'

const MINIMAL = { providers: { openai: { keys: [{ value: 'sk-1' }] } } }

const URL_ONLY = { network_config: { base_url: 'http://h' } }

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
    const { config, warnings } = parseConfig(FULL, FULL_ENV)
    assert.deepEqual(warnings, [])
    assert.deepEqual(config, {
      initialPoolSize: 1,
      dropExcessRequests: true,
      maxRequestBodyBytes: 512 * 1024,
      maxWaitingBodyBytes: 2 * 1024 * 1024,
      requestReadTimeoutMs: 1_000,
      maxRequestHeaderBytes: 8 * 1024,
      prometheusLabels: ['team-id', 'service'],
      callerKeys: [
        { name: 'app', value: 'caller-SECRET-2-long-enough' },
        { name: 'cron', value: 'cron-SECRET-key-0123' },
      ],
      requestLog: {
        store: 'postgres',
        url: 'postgres://log:SECRET@db:5432/log',
        mode: 'synchronous',
        batchSize: 10,
        batchIntervalMs: 20,
        maxWaiting: 30,
      },
      providers: [
        {
          name: 'openai',
          preset: 'openai',
          keys: [
            {
              name: 'a',
              value: 'sk-SECRET-1',
              models: ['m'],
              blacklistedModels: ['n'],
              weight: 0.25,
              enabled: true,
              deployments: {},
            },
            { name: 'b', value: '', models: 'all', blacklistedModels: [], weight: 1, enabled: false, deployments: {} },
          ],
          concurrency: 2,
          bufferSize: 3,
          network: {
            baseUrl: new URL('http://127.0.0.1:1/v1'),
            extraHeaders: { 'x-team': 'SECRET-4' },
            timeoutMs: 60_000,
            maxRetries: 2,
            retryBackoffInitialMs: 10,
            retryBackoffMaxMs: 20,
            streamIdleTimeoutMs: 1_500,
            maxConnsPerHost: 6,
            openAhead: 5,
          },
        },
        {
          name: 'azure-eu',
          preset: 'azure',
          keys: [
            {
              name: 'key-1',
              value: 'az-SECRET-5',
              models: 'all',
              blacklistedModels: [],
              weight: 1,
              enabled: true,
              deployments: { 'gpt-4o': 'eu-4o' },
            },
          ],
          concurrency: 1_000,
          bufferSize: 5_000,
          network: {
            baseUrl: new URL('https://eu.openai.azure.com'),
            extraHeaders: {},
            timeoutMs: 30_000,
            maxRetries: 0,
            retryBackoffInitialMs: 500,
            retryBackoffMaxMs: 5_000,
            streamIdleTimeoutMs: 60_000,
            maxConnsPerHost: 5_000,
            openAhead: 0,
          },
          apiVersion: '2025-01-01',
        },
      ],
    })
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

  test('all problems are reported at once, each with its path, whether of shape or of meaning', () => {
    const problems = problemsOf({
      config: { initial_pool_size: 'many', request_log: { store: 'sqlite', batch_size: 0 } },
      max_request_header_kb: 16,
      providers: {
        mine: {
          keys: [],
          network_config: { base_url: 'nowhere', extra_headers: { Host: 'x', 'a b': 'c', d: 'e\n', f: 1 } },
        },
        other: { keys: [{ value: 'bad\r\nkey' }, 'sk-1', { weight: -1 }, { value: 'env.NO_SUCH' }], network_config: 1 },
        'a/b': { keys: [{ value: 'x' }], network_config: { base_url: 'http://h' } },
        none: null,
      },
    })
    assert.deepEqual(problems.map((problem) => problem.split(':')[0]).sort(), [
      'config.initial_pool_size',
      'config.request_log.batch_size',
      'config.request_log.path',
      'providers.a/b',
      'providers.mine.network_config.base_url',
      'providers.mine.network_config.extra_headers',
      'providers.mine.network_config.extra_headers.Host',
      'providers.mine.network_config.extra_headers.d',
      'providers.mine.network_config.extra_headers.f',
      'providers.none',
      'providers.other.keys.0.value',
      'providers.other.keys.1',
      'providers.other.keys.2.value',
      'providers.other.keys.2.weight',
      'providers.other.keys.3.value',
      'providers.other.network_config',
    ])
  })

  test('a slip is told once: nothing is said of what depends on it', () => {
    assert.equal(problemsOf({ providers: 3 }).length, 1)
    for (const provider of [
      null,
      { keys: 'sk-1' },
      { custom_provider_config: { base_provider_type: 'nonesuch' } },
      { keys: [{ value: 'x' }], network_config: { base_url: 3 } },
      { keys: [{ value: 'x' }], network_config: 3 },
    ]) {
      const complete = provider && 'network_config' in provider ? provider : provider && { ...URL_ONLY, ...provider }
      assert.equal(problemsOf({ providers: { mine: complete } }).length, 1, JSON.stringify(provider))
    }
    for (const part of [
      { concurrency_and_buffer_size: { concurrency: 'all', buffer_size: 5 } },
      { network_config: { retry_backoff_initial: 'long', retry_backoff_max: 5 } },
    ]) {
      assert.equal(problemsOf({ providers: { openai: { keys: [{ value: 'x' }], ...part } } }).length, 1)
    }
  })

  test('settings that this gateway does not have are warned of, not refused', () => {
    const { warnings } = parseConfig(
      {
        $schema: './config.schema.json',
        config: { enable_logging: true },
        mcp: {},
        providers: {
          openai: {
            keys: [{ value: 'x', aliases: {}, azure_key_config: {} }],
            network_config: { proxy: 3 },
            toString: {},
          },
        },
      },
      {},
    )
    assert.deepEqual(warnings.map((warning) => warning.split(':')[0]).sort(), [
      'config.enable_logging',
      'mcp',
      'providers.openai.keys.0.aliases',
      'providers.openai.keys.0.azure_key_config',
      'providers.openai.network_config.proxy',
      'providers.openai.toString',
    ])
  })
})

describe('a problem says what would be right', () => {
  const file = (changes: { config?: unknown; keys?: unknown; network_config?: unknown; provider?: object }) => ({
    ...('config' in changes && { config: changes.config }),
    providers: {
      openai: {
        keys: changes.keys ?? [{ value: 'x' }],
        ...('network_config' in changes && { network_config: changes.network_config }),
      },
    },
  })
  const facts: [what: string, file: unknown, problem: string][] = [
    ['no object', null, 'the file: must be an object, got null'],
    ['a list', [], 'the file: must be an object, got a list'],
    ['no providers', {}, 'providers: is missing; it must be an object'],
    ['empty providers', { providers: {} }, 'providers: at least one is needed'],
    [
      'a fraction of a count',
      file({ config: { initial_pool_size: 1.5 } }),
      'config.initial_pool_size: must be a whole number from 0 to 10000000, got 1.5',
    ],
    [
      'a text for a number',
      file({ network_config: { timeout: '60s' } }),
      'providers.openai.network_config.timeout: must be a number above 0 to 2147483647, got "60s"',
    ],
    [
      'a variable for a number',
      file({ network_config: { timeout: 'env.T' } }),
      'providers.openai.network_config.timeout: must be a number above 0 to 2147483647, got "env.T"',
    ],
    [
      'a text for a flag',
      file({ config: { drop_excess_requests: 'yes' } }),
      'config.drop_excess_requests: must be true or false, got "yes"',
    ],
    [
      'a negative weight',
      file({ keys: [{ value: 'x', weight: -1 }] }),
      'providers.openai.keys.0.weight: must be a number from 0 to 1000000, got -1',
    ],
    [
      'a weight that is no number',
      file({ keys: [{ value: 'x', weight: NaN }] }),
      'providers.openai.keys.0.weight: must be a number from 0 to 1000000, got NaN',
    ],
    ['a key that is a text', file({ keys: ['sk-1'] }), 'providers.openai.keys.0: must be an object, got a string'],
    [
      'a key without value',
      file({ keys: [{}] }),
      'providers.openai.keys.0.value: is missing; it must be a text that is not empty',
    ],
    [
      'an empty key',
      file({ keys: [{ value: '' }] }),
      'providers.openai.keys.0.value: must be a text that is not empty, got ""',
    ],
    [
      'a key that is a number',
      file({ keys: [{ value: 12345 }] }),
      'providers.openai.keys.0.value: must be a text that is not empty, got a number',
    ],
    [
      'a variable that is not set',
      file({ keys: [{ value: 'env.X' }] }),
      'providers.openai.keys.0.value: environment variable X is not set',
    ],
    [
      'a variable without name',
      file({ keys: [{ value: 'env.' }] }),
      'providers.openai.keys.0.value: env. must be followed by the name of a variable',
    ],
    [
      'two keys of one name',
      file({ keys: [{ value: 'x', name: 'key-2' }, { value: 'y' }] }),
      'providers.openai.keys.1.name: "key-2" names another key already',
    ],
    ['no key', file({ keys: [] }), 'providers.openai.keys: at least one is needed'],
    [
      'both names of the retries',
      file({ network_config: { retries: 1, max_retries: 1 } }),
      'providers.openai.network_config: max_retries and retries name the same setting; keep one',
    ],
    [
      'an initial wait above the longest',
      file({ network_config: { retry_backoff_initial: 6_000 } }),
      'providers.openai.network_config: retry_backoff_initial (6000) must not be larger than retry_backoff_max (5000)',
    ],
    [
      'a URL of another protocol',
      file({ network_config: { base_url: 'ftp://h' } }),
      'providers.openai.network_config.base_url: "ftp://h" is not a URL; write http://host:port or https://host',
    ],
    [
      'a URL with a query',
      file({ network_config: { base_url: 'http://h?a=b' } }),
      'providers.openai.network_config.base_url: "http://h?a=b" must end before its ? or #',
    ],
    [
      "a header of the protocol's own",
      file({ network_config: { extra_headers: { Authorization: 'x' } } }),
      'providers.openai.network_config.extra_headers.Authorization: the gateway sets this header itself',
    ],
    [
      'one header in two spellings',
      file({ network_config: { extra_headers: { 'x-a': '1', 'X-A': '2' } } }),
      'providers.openai.network_config.extra_headers.X-A: the same header named twice; keep one',
    ],
    [
      'fewer bytes for all bodies than for one',
      file({ config: { max_waiting_body_mb: 9 } }),
      'config.max_waiting_body_mb: must not be below max_request_body_mb (10), got 9',
    ],
    [
      'a label in capitals',
      file({ config: { prometheus_labels: ['Team'] } }),
      'config.prometheus_labels.0: must be a text like ^[a-z][a-z0-9_-]*$, got "Team"',
    ],
    [
      'a label of the metrics',
      file({ config: { prometheus_labels: ['a', 'le'] } }),
      'config.prometheus_labels.1: "le" is a label that the metrics have already',
    ],
    [
      'one label in two spellings',
      file({ config: { prometheus_labels: ['a-b', 'a_b'] } }),
      'config.prometheus_labels.1: "a_b" is the label a_b, which is there twice',
    ],
    [
      'too many labels',
      file({ config: { prometheus_labels: Array.from({ length: 9 }, (_, index) => `l${index}`) } }),
      'config.prometheus_labels: must be a list of at most 8, got 9',
    ],
    [
      "a short caller's key",
      file({ config: { caller_keys: [{ name: 'a', value: '123456789012345' }] } }),
      'config.caller_keys.0.value: must be at least 16 printable ASCII characters without blanks',
    ],
    [
      "one caller's key twice",
      file({
        config: {
          caller_keys: [
            { name: 'a', value: '1234567890123456' },
            { name: 'b', value: '1234567890123456' },
          ],
        },
      }),
      "config.caller_keys.1.value: is another caller's key already",
    ],
    [
      'two callers of one name',
      file({
        config: {
          caller_keys: [
            { name: 'a', value: '1234567890123456' },
            { name: 'a', value: '1234567890123457' },
          ],
        },
      }),
      'config.caller_keys.1.name: "a" names another caller\'s key already',
    ],
    [
      'a store that is not there',
      file({ config: { request_log: { store: 'mysql', path: 'x' } } }),
      'config.request_log.store: must be one of "sqlite", "postgres", got "mysql"',
    ],
    [
      'SQLite at a URL',
      file({ config: { request_log: { store: 'sqlite', path: 'x', url: 'postgres://h/d' } } }),
      'config.request_log.url: does not go with store "sqlite"; write path',
    ],
    [
      'PostgreSQL nowhere',
      file({ config: { request_log: { store: 'postgres' } } }),
      'config.request_log.url: is needed for store "postgres"',
    ],
    [
      'PostgreSQL at another URL',
      file({ config: { request_log: { store: 'postgres', url: 'http://h' } } }),
      'config.request_log.url: is not a URL of PostgreSQL; write postgres://user:password@host:5432/database',
    ],
    [
      'a URL of PostgreSQL with a bare "%"',
      file({ config: { request_log: { store: 'postgres', url: 'postgres://u:1%@h/d' } } }),
      'config.request_log.url: has a "%" that is not followed by two hexadecimal digits; write postgres://user:password@host:5432/database, a literal "%" being "%25"',
    ],
    [
      'SQLite in memory',
      file({ config: { request_log: { store: 'sqlite', path: ':memory:' } } }),
      'config.request_log.path: must be the path of a file, not a name or URL of SQLite; write for example ./requests.db',
    ],
    [
      'a batch that is too large',
      file({ config: { request_log: { store: 'sqlite', path: 'x', batch_size: 10_001 } } }),
      'config.request_log.batch_size: must be a whole number from 1 to 10000, got 10001',
    ],
    [
      'a batch that takes too long',
      file({ config: { request_log: { store: 'sqlite', path: 'x', batch_interval: 60_001 } } }),
      'config.request_log.batch_interval: must be a whole number from 1 to 60000, got 60001',
    ],
    [
      'a batch that cannot fill',
      file({ config: { request_log: { store: 'sqlite', path: 'x', max_waiting: 999 } } }),
      'config.request_log: max_waiting (999) must not be smaller than batch_size (1000)',
    ],
  ]
  for (const [what, broken, problem] of facts) {
    test(what, () => {
      assert.deepEqual(problemsOf(broken), [problem])
    })
  }
})

describe('the names of providers', () => {
  const read = (providers: unknown) => parseConfig({ providers }, {}).config.providers

  test('one that is known lends protocol and address', () => {
    const [groq, ollama] = read({ groq: { keys: [{ value: 'x' }] }, ollama: {} })
    assert.deepEqual([groq?.preset, groq?.network.baseUrl.href], ['groq', 'https://api.groq.com/openai'])
    assert.deepEqual([ollama?.preset, ollama?.network.baseUrl.href], ['ollama', 'http://127.0.0.1:11434/'])
    assert.deepEqual(ollama?.keys, [])
  })

  test('one that is unknown is OpenAI-compatible, at a URL that must be given', () => {
    assert.equal(read({ mine: { keys: [{ value: 'x' }], ...URL_ONLY } })[0]?.preset, 'openai')
    assert.deepEqual(problemsOf({ providers: { mine: { keys: [{ value: 'x' }] } } }), [
      'providers.mine.network_config.base_url: is needed for provider "mine"',
    ])
    for (const name of ['__proto__', 'constructor']) {
      const file: unknown = JSON.parse(`{"${name}": {"keys": [], "network_config": {"base_url": "http://h"}}}`)
      assert.deepEqual(
        read(file).map((provider) => [provider.name, provider.preset]),
        [[name, 'openai']],
      )
    }
  })

  test('a custom one has the protocol of its base, and its address unless it has one of its own', () => {
    const custom_provider_config = { base_provider_type: 'anthropic' }
    const keys = [{ value: 'x' }]
    const [one, other] = read({
      one: { keys, custom_provider_config },
      other: { keys, custom_provider_config, ...URL_ONLY },
    })
    assert.deepEqual([one?.preset, one?.network.baseUrl.href], ['anthropic', 'https://api.anthropic.com/'])
    assert.deepEqual([other?.preset, other?.network.baseUrl.href], ['anthropic', 'http://h/'])
    assert.match(
      problemsOf({ providers: { x: { keys, ...URL_ONLY, custom_provider_config: { base_provider_type: 'y' } } } })[0]!,
      /^providers\.x\.custom_provider_config\.base_provider_type: must be one of openai, .*; got "y"$/,
    )
    assert.match(
      problemsOf({ providers: { openai: { keys, custom_provider_config } } })[0]!,
      /^providers\.openai\.custom_provider_config: "openai" is a provider by itself/,
    )
  })

  test("a server of one's own may go without keys when the file says so", () => {
    assert.deepEqual(read({ mine: { keys: [], ...URL_ONLY } })[0]?.keys, [])
    assert.deepEqual(problemsOf({ providers: { mine: URL_ONLY } }), [
      'providers.mine.keys: at least one is needed; write [] for a server without keys',
    ])
    assert.deepEqual(problemsOf({ providers: { openai: { keys: [], ...URL_ONLY } } }), [
      'providers.openai.keys: at least one is needed',
    ])
  })
})

describe("Azure's keys", () => {
  const endpoint = 'https://a.openai.azure.com'
  const azure = (...keys: object[]) => ({
    providers: { azure: { keys: keys.map((azure_key_config) => ({ value: 'x', azure_key_config })) } },
  })

  test('name the endpoint of their provider, and its version', () => {
    const [provider] = parseConfig(azure({ endpoint }, { endpoint: `${endpoint}/` }), {}).config.providers
    assert.deepEqual([provider?.network.baseUrl.host, provider?.apiVersion], ['a.openai.azure.com', '2024-10-21'])
  })

  test('must agree on both', () => {
    const problems = problemsOf(azure({ endpoint }, { endpoint: 'https://b', api_version: '2025-01-01' }))
    assert.deepEqual(
      problems.map((problem) => problem.split(':')[0]),
      ['providers.azure.keys.1.azure_key_config.endpoint', 'providers.azure.keys.1.azure_key_config.api_version'],
    )
    assert.match(problems[0]!, /write two providers/)
  })

  test('must name a version and deployments that can stand in a path', () => {
    const at = 'providers.azure.keys.0.azure_key_config'
    assert.deepEqual(problemsOf(azure({ endpoint, api_version: 'a b', deployments: { m: '' } })), [
      `${at}.deployments.m: must be a text that is not empty, got ""`,
      `${at}.api_version: is not a version; write a date such as 2024-10-21`,
    ])
  })

  test('must name an endpoint where base_url does not, and not both', () => {
    assert.deepEqual(problemsOf(azure({})), [
      'providers.azure.keys.0.azure_key_config.endpoint: is missing; write https://NAME.openai.azure.com',
    ])
    const keys = [{ value: 'x', azure_key_config: { endpoint } }]
    assert.match(problemsOf({ providers: { azure: { keys, ...URL_ONLY } } })[0]!, /the same setting named twice/)
    const plain = { providers: { azure: { keys: [{ value: 'x' }], ...URL_ONLY } } }
    assert.equal(parseConfig(plain, {}).config.providers[0]?.network.baseUrl.host, 'h')
  })

  test('do not count when they are taken out', () => {
    const keys = [
      { value: 'x', azure_key_config: { endpoint } },
      { value: 'y', enabled: false, azure_key_config: { endpoint: 'env.NO_SUCH' } },
    ]
    assert.deepEqual(problemsOf({ providers: { azure: { keys } } }), [])
  })

  test('take their endpoint from the environment', () => {
    const { config } = parseConfig(azure({ endpoint: 'env.E', api_version: 'env.V' }), { E: endpoint, V: '2' })
    assert.deepEqual(
      [config.providers[0]?.network.baseUrl.host, config.providers[0]?.apiVersion],
      ['a.openai.azure.com', '2'],
    )
  })
})

test('a base URL, a header and the place of the log may come from the environment', () => {
  const { config } = parseConfig(
    {
      request_log: { store: 'sqlite', path: 'env.LOG' },
      providers: {
        openai: {
          keys: [{ value: 'x' }],
          network_config: { base_url: 'env.URL', extra_headers: { 'x-a': 'env.HEADER' } },
        },
      },
    },
    { LOG: '/tmp/log.db', URL: 'http://h', HEADER: 'b' },
  )
  assert.deepEqual(config.requestLog && 'path' in config.requestLog && config.requestLog.path, '/tmp/log.db')
  assert.equal(config.providers[0]?.network.baseUrl.host, 'h')
  assert.deepEqual(config.providers[0].network.extraHeaders, { 'x-a': 'b' })
})

test('a variable is one of the environment itself, and no name that every object has', () => {
  const file = { providers: { openai: { keys: [{ value: 'env.toString' }] } } }
  assert.deepEqual(problemsOf(file), ['providers.openai.keys.0.value: environment variable toString is not set'])
})

test('a size of less than a byte is a byte', () => {
  const { config } = parseConfig({ ...MINIMAL, config: { max_request_body_mb: 1e-9 } }, {})
  assert.equal(config.maxRequestBodyBytes, 1)
})

test('room for waiting bodies is at least room for one', () => {
  const { config } = parseConfig({ ...MINIMAL, config: { max_request_body_mb: 300 } }, {})
  assert.equal(config.maxWaitingBodyBytes, config.maxRequestBodyBytes)
})

test('a request log that names only its place has the defaults', () => {
  const { requestLog } = parseConfig({ ...MINIMAL, request_log: { store: 'sqlite', path: 'x' } }, {}).config
  assert.deepEqual(requestLog, { store: 'sqlite', path: 'x', ...DEFAULTS.requestLog })
})

describe('no problem and no warning repeats a secret:', () => {
  const said = (file: unknown, env: Record<string, string> = {}): string => {
    try {
      return parseConfig(file, env).warnings.join('\n')
    } catch (error) {
      if (error instanceof ConfigError) return error.message
      throw error
    }
  }

  test('a key with a line break, in the file or from a variable', () => {
    for (const value of ['sk-SECRET\n', 'env.K']) {
      const text = said({ providers: { openai: { keys: [{ value }] } } }, { K: 'sk-SECRET\n' })
      assert.match(text, /keys\.0\.value: holds characters/)
      assert.doesNotMatch(text, /SECRET/)
    }
  })

  test('a URL with a password', () => {
    for (const base_url of ['http://u:SECRET@h', 'http://SECRET@h', 'http://u:SECRET@h:99999', 'env.U']) {
      const text = said(withNetwork({ base_url }), { U: 'http//SECRET' })
      assert.match(text, /base_url: /)
      assert.doesNotMatch(text, /SECRET/)
    }
  })

  test('a key in the place of its object', () => {
    const text = said({
      caller_keys: ['SECRET'],
      providers: { openai: { keys: ['SECRET'], network_config: 'SECRET' } },
    })
    assert.equal(text.split('\n').length, 3)
    assert.doesNotMatch(text, /SECRET/)
  })

  test('a file that is not JSON', () => {
    assert.throws(
      () => parseConfigText('{"value": sk-SECRET}', {}),
      new ConfigError(['the file: is not JSON: Unexpected token in JSON at position 10 (line 1 column 11)']),
    )
    assert.deepEqual(parseConfigText(JSON.stringify(MINIMAL), {}), parseConfig(MINIMAL, {}))
  })
})
