import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { assertInstalled, gatewayFolder, gatewayHome, lockFile, notInstalled } from './gateway-home.ts'
import { startGateway } from './start-gateway.ts'
import type { Availability, Target, TargetContext } from './target.ts'

/** The version that harness/gateways/litellm locks. */
export const LITELLM_VERSION = '1.108.7'

/** Each of its processes imports for some 13 s of one core. */
const READY_TIMEOUT_MS = 300_000
/** Its workers end within a second; its main process lingers for 8 s more. */
const STOP_GRACE_MS = 3_000
/** Without one it does not start; it listens on 127.0.0.1 alone. */
const MASTER_KEY = 'sk-gatebench-7f3a9c51e2d84b06a1c5f09e'
const MODEL = 'gpt-4o-mini'
/** Its own limit of connections to one host, in each worker. */
const USUAL_CONNECTIONS = 500
/** Its documentation's for production, s. */
const USUAL_TIMEOUT_S = 600
const DAY_S = 86_400

const NO_OUTSIDE_CALLS = Object.fromEntries(
  ['MODEL_COST_MAP', 'ANTHROPIC_BETA_HEADERS', 'AUTOROUTER_PRESETS', 'BLOG_POSTS', 'POLICY_TEMPLATES'].map((what) => [
    `LITELLM_LOCAL_${what}`,
    'True',
  ]),
)

/**
 * LiteLLM's proxy from PyPI, set up as its documentation advises for production on one machine
 * (https://docs.litellm.ai/docs/proxy/prod, https://docs.litellm.ai/docs/proxy/server_tuning), without a database.
 */
export function litellmIn(home: string, workers: number): Target {
  const folder = gatewayFolder(home, 'litellm', LITELLM_VERSION)
  const find = (): Availability => {
    const version = installedVersion(folder)
    return version === undefined ? notInstalled('litellm', folder) : { installed: true, version }
  }
  return {
    name: 'litellm',
    title: "LiteLLM's proxy",
    needsMock: true,
    model: MODEL,
    upstreamModel: MODEL,
    headers: { authorization: `Bearer ${MASTER_KEY}` },
    settings: [
      `${workers} uvicorn workers, one for each vCPU, as advised for a machine without an autoscaler`,
      'LITELLM_LOG=ERROR, set_verbose off, json_logs, LITELLM_MODE=PRODUCTION',
      'no database, no Redis, no cache, no callbacks; a master key',
      'num_retries 0, request_timeout 600 s, or that of the run where it is longer',
      `connections to the mock: ${USUAL_CONNECTIONS} in each worker, or as many as the driver opens where that is more`,
      'idle connections are kept for a day; workers have 120 s for their health check, so that slow imports do not end them',
      'nothing fetched from outside: model prices and the like come with the package',
    ],
    install: [
      ['python3', '-m', 'venv', folder],
      [join(folder, 'bin', 'pip'), 'install', '--no-deps', '--requirement', lockFile('litellm', 'requirements.txt')],
    ],
    selfReports: [
      {
        kind: 'header',
        header: 'x-litellm-overhead-duration-ms',
        unit: 'ms',
        claims:
          'from taking the request to having the answer, less its call to the provider; without what waits before its handler runs and without writing the answer',
      },
    ],
    find: () => Promise.resolve(find()),
    start: async (context) => {
      const found = find()
      assertInstalled('litellm', found)
      return startGateway(
        {
          name: 'litellm',
          ...(found.version !== undefined && { version: found.version }),
          files: { 'config.yaml': litellmConfig(context) },
          command: (configFolder, port) => ({
            command: join(folder, 'bin', 'litellm'),
            args: [
              ...['--config', join(configFolder, 'config.yaml'), '--host', '127.0.0.1', '--port', String(port)],
              ...[
                '--num_workers',
                String(workers),
                '--timeout_worker_healthcheck',
                '120',
                '--keepalive_timeout',
                String(DAY_S),
              ],
            ],
            env: litellmEnvironment(context),
          }),
          ready: { path: '/health/liveliness', accept: (status) => status === 200 },
          readyTimeoutMs: READY_TIMEOUT_MS,
          stopGraceMs: STOP_GRACE_MS,
        },
        context.signal,
      )
    },
  }
}

/** Its configuration file: JSON, which is YAML too. */
export function litellmConfig({ mockUrl, config: { timeoutMs } }: Pick<TargetContext, 'mockUrl' | 'config'>): string {
  const file = {
    model_list: [
      {
        model_name: MODEL,
        litellm_params: { model: `openai/${MODEL}`, api_base: `${mockUrl}/v1`, api_key: 'sk-gatebench' },
      },
    ],
    litellm_settings: {
      request_timeout: timeoutMs === 0 ? DAY_S : Math.max(USUAL_TIMEOUT_S, Math.ceil(timeoutMs / 1_000)),
      num_retries: 0,
      set_verbose: false,
      json_logs: true,
    },
    general_settings: { master_key: MASTER_KEY },
  }
  return JSON.stringify(file, null, 2)
}

export function litellmEnvironment({ connections }: Pick<TargetContext, 'connections'>): Record<string, string> {
  const limit = String(Math.max(USUAL_CONNECTIONS, connections))
  return {
    ...NO_OUTSIDE_CALLS,
    ...{ LITELLM_LOG: 'ERROR', LITELLM_MODE: 'PRODUCTION' },
    ...{ AIOHTTP_CONNECTOR_LIMIT: limit, AIOHTTP_CONNECTOR_LIMIT_PER_HOST: limit },
    // Each start would compile it anew where the machine's owner has forbidden Python to keep that.
    PYTHONDONTWRITEBYTECODE: '',
  }
}

/** Of the package in a venv; undefined when there is none. */
function installedVersion(venv: string): string | undefined {
  const entriesOf = (folder: string) => {
    try {
      return readdirSync(folder)
    } catch {
      return []
    }
  }
  const packages = entriesOf(join(venv, 'lib')).flatMap((python) =>
    entriesOf(join(venv, 'lib', python, 'site-packages')),
  )
  return packages.map((entry) => /^litellm-(.+)\.dist-info$/.exec(entry)?.[1]).find((version) => version !== undefined)
}

export const litellm: Target = litellmIn(gatewayHome(process.env), availableParallelism())
