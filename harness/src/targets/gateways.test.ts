import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseRunConfig } from '../config.ts'
import { TargetError } from '../errors.ts'
import { readHistogram } from '../self-report/prometheus.ts'
import { BIFROST_VERSION, bifrostConfig, bifrostIn } from './bifrost.ts'
import { gatewayHome, lockFile } from './gateway-home.ts'
import { LITELLM_VERSION, litellmConfig, litellmEnvironment, litellmIn } from './litellm.ts'
import { PORTKEY_VERSION, portkeyHeaders, portkeyIn } from './portkey.ts'
import { GATEWAY_FOLDER_PREFIX } from './start-gateway.ts'
import type { Target } from './target.ts'

const context = (flags: Record<string, string> = {}, connections = 100) => ({
  config: parseRunConfig({ latency: '0', ...flags }),
  mockUrl: 'http://127.0.0.1:9',
  connections,
})

describe('gateways are installed', () => {
  test('in $GATEBENCH_HOME, else in the cache of their owner', () => {
    assert.equal(gatewayHome({ GATEBENCH_HOME: '/srv/gateways' }), '/srv/gateways')
    for (const env of [{}, { GATEBENCH_HOME: '' }]) {
      assert.equal(gatewayHome(env), join(homedir(), '.cache', 'gatebench'))
    }
  })

  test('from lists of exact versions that have the version of the target', () => {
    const manifest = readFileSync(lockFile('portkey', 'package.json'), 'utf8')
    const lock = readFileSync(lockFile('portkey', 'package-lock.json'), 'utf8')
    for (const text of [manifest, lock]) assert.ok(text.includes(`"@portkey-ai/gateway": "${PORTKEY_VERSION}"`))
    const requirements = readFileSync(lockFile('litellm', 'requirements.txt'), 'utf8').trim().split('\n')
    assert.ok(requirements.includes(`litellm==${LITELLM_VERSION}`))
    assert.deepEqual(
      requirements.filter((line) => !/^(#.*|[\w.-]+==[\w.]+)$/.test(line)),
      [],
    )
  })

  for (const target of [portkeyIn('/nowhere'), litellmIn('/nowhere', 1), bifrostIn('/nowhere', undefined)]) {
    test(`or, as ${target.name}, are not: with the place and the command, and no start`, async () => {
      const found = await target.find()
      assert.ok(!found.installed)
      assert.match(found.reason, new RegExp(`^not in /nowhere/${target.name}-`))
      assert.equal(found.install, `npx bench targets --install ${target.name}`)
      await assert.rejects(
        target.start(context()),
        (error) => error instanceof TargetError && error.message.includes(found.install),
      )
      assert.ok(target.install.length > 0 && target.install.flat().some((word) => word.includes('/nowhere')))
    })
  }
})

test('Portkey is told by headers where the mock is', () => {
  assert.deepEqual(portkeyHeaders('http://127.0.0.1:8001'), {
    authorization: 'Bearer sk-gatebench',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': 'http://127.0.0.1:8001/v1',
  })
})

describe('LiteLLM is set up', () => {
  const target = litellmIn('/nowhere', 2)
  interface File {
    model_list: { model_name: string; litellm_params: { api_base: string } }[]
    litellm_settings: { request_timeout: number; num_retries: number }
    general_settings: { master_key: string }
  }
  const read = (timeout: string) => JSON.parse(litellmConfig(context({ timeout }))) as File

  test('with one model, at the mock, and the key that requests carry', () => {
    const file = read('30s')
    assert.deepEqual(
      file.model_list.map(({ model_name, litellm_params }) => [model_name, litellm_params.api_base]),
      [[target.model, 'http://127.0.0.1:9/v1']],
    )
    assert.equal(`Bearer ${file.general_settings.master_key}`, target.headers?.['authorization'])
    assert.equal(file.litellm_settings.num_retries, 0)
  })

  for (const [timeout, seconds] of [
    ['30s', 600],
    ['900.5s', 901],
    ['0', 86_400],
  ] as const) {
    test(`to give a request ${seconds} s where the run gives it ${timeout}`, () => {
      assert.equal(read(timeout).litellm_settings.request_timeout, seconds)
    })
  }

  test('with as many connections as the driver opens, and no fewer than usual', () => {
    const limit = (connections: number) => litellmEnvironment({ connections })['AIOHTTP_CONNECTOR_LIMIT_PER_HOST']
    assert.deepEqual([limit(20), limit(7_500)], ['500', '7500'])
  })
})

describe('Bifrost is set up', () => {
  interface File {
    client: { initial_pool_size: number }
    providers: { openai: { concurrency_and_buffer_size: unknown; network_config: Record<string, unknown> } }
  }
  const read = (flags: Record<string, string>, connections: number) =>
    JSON.parse(bifrostConfig(context(flags, connections))) as File

  test('by the formulas of its documentation, and for no fewer requests than are in flight', () => {
    const atRate = read({ rate: '500' }, 20)
    assert.deepEqual(atRate.providers.openai.concurrency_and_buffer_size, { concurrency: 500, buffer_size: 750 })
    assert.equal(atRate.client.initial_pool_size, 750)
    const inFlight = read({ rate: '500' }, 7_501)
    assert.deepEqual(inFlight.providers.openai.concurrency_and_buffer_size, { concurrency: 7_501, buffer_size: 11_252 })
    assert.equal(inFlight.providers.openai.network_config['max_conns_per_host'], 7_501)
  })

  test('to send to the mock, and to give up when the run does', () => {
    const { network_config: network } = read({ timeout: '1500ms' }, 20).providers.openai
    assert.deepEqual([network['base_url'], network['default_request_timeout_in_seconds']], ['http://127.0.0.1:9', 2])
    const forEver = read({ timeout: '0' }, 20).providers.openai.network_config
    assert.equal(forEver['default_request_timeout_in_seconds'], 86_400)
  })
})

describe('started before a provider', () => {
  interface Received {
    url: string | undefined
    headers: IncomingHttpHeaders
    body: string
  }
  const COMPLETION = {
    id: 'chatcmpl-7-0-12',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  }
  let received: Received | undefined
  const provider = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      received = { url: request.url, headers: request.headers, body }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(COMPLETION))
    })
  })
  let home = ''
  let providerUrl = ''

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'gatebench-home-'))
    provider.listen(0, '127.0.0.1')
    await once(provider, 'listening')
    providerUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  })

  after(async () => {
    provider.closeAllConnections()
    provider.close()
    await once(provider, 'close')
    await rm(home, { recursive: true, force: true })
  })

  /** Starts the target, sends one completion through it, and stops it. */
  async function carriesACompletion(
    target: Target,
    whileItRuns: (url: string) => Promise<void> = () => Promise.resolve(),
  ) {
    const running = await target.start({ ...context(), mockUrl: providerUrl })
    try {
      const answer = await fetch(`${running.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...target.headers, ...running.headers },
        body: JSON.stringify({ model: target.model, messages: [{ role: 'user', content: 'hi' }] }),
      })
      const { id, choices } = (await answer.json()) as typeof COMPLETION
      assert.deepEqual([answer.status, id, choices[0]!.message.content], [200, COMPLETION.id, 'yes'])
      assert.equal(received?.url, '/v1/chat/completions')
      assert.equal(received.headers.authorization, 'Bearer sk-gatebench')
      assert.equal((JSON.parse(received.body) as { model: string }).model, 'gpt-4o-mini')
      assert.equal(running.managed, true)
      await whileItRuns(running.url)
    } finally {
      await running.stop()
    }
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith(GATEWAY_FOLDER_PREFIX)),
      [],
    )
    return running
  }

  /** A binary at `file` that behaves as Bifrost's. */
  async function standIn(folder: string, file: string): Promise<string> {
    await mkdir(folder, { recursive: true })
    const program = fileURLToPath(new URL('./bifrost-stand-in.test-support.ts', import.meta.url))
    const path = join(folder, file)
    await writeFile(path, `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`, { mode: 0o755 })
    return path
  }

  test('Bifrost, as its stand-in, carries a completion and tells of itself', async () => {
    await standIn(join(home, `bifrost-${BIFROST_VERSION}`, 'bifrost', BIFROST_VERSION, 'bin'), 'bifrost-http-0')
    const target = bifrostIn(home, undefined)
    const [source] = target.selfReports ?? []
    assert.ok(source?.kind === 'prometheus')
    const running = await carriesACompletion(target, async (url) => {
      const text = await (await fetch(url + source.path)).text()
      assert.deepEqual(readHistogram(text, source.metric)?.sum, 20)
    })
    assert.equal(running.version, BIFROST_VERSION)
  })

  test('Bifrost is what BIFROST_BIN names', async () => {
    const binary = await standIn(join(home, 'bin'), 'bifrost-http')
    assert.deepEqual(await bifrostIn('/nowhere', binary).find(), { installed: true, binary })
    const wrong = await bifrostIn(home, '/nowhere/bifrost').find()
    assert.ok(!wrong.installed)
    assert.match(wrong.reason, /^BIFROST_BIN is "\/nowhere\/bifrost", which is not a program/)
  })

  const realHome = gatewayHome(process.env)
  for (const target of [portkeyIn(realHome), litellmIn(realHome, 1)]) {
    test(`${target.name} itself carries a completion`, async (t) => {
      const found = await target.find()
      if (found.installed) assert.equal((await carriesACompletion(target)).version, found.version)
      else t.skip(found.reason)
    })
  }
})
