import { join } from 'node:path'
import { assertInstalled, gatewayFolder, gatewayHome, notInstalled } from './gateway-home.ts'
import { findOnPath, SERVER_PATH } from './installed.ts'
import { startGateway } from './start-gateway.ts'
import type { Availability, Target, TargetContext } from './target.ts'

/** Of the gateway itself; the npm package that fetches it has versions of its own. */
export const BIFROST_VERSION = 'v2.2.5'
const ON_PATH = 'bifrost-http'
const WRAPPER = '@maximhq/bifrost@1.6.3'

const READY_TIMEOUT_MS = 60_000
/** Its own limit of connections to one provider. */
const USUAL_CONNECTIONS = 5_000
const SPARE = 1.5
const DAY_S = 86_400

/**
 * Bifrost, written to its documentation (https://docs.getbifrost.ai/deployment-guides/config-json,
 * https://docs.getbifrost.ai/providers/performance) and tested against a stand-in that takes the same flags and file: its
 * npm package downloads a binary when it is run, which could not be had where this was written. At start it fetches price
 * lists from its makers, as it does by default; without a way out it may not start.
 *
 * @param named Path of the binary, as `$BIFROST_BIN` gives it.
 */
export function bifrostIn(home: string, named: string | undefined): Target {
  const cache = gatewayFolder(home, 'bifrost', BIFROST_VERSION)
  const find = () => findBinary(cache, named)
  return {
    name: 'bifrost',
    title: 'Bifrost',
    needsMock: true,
    model: 'openai/gpt-4o-mini',
    upstreamModel: 'gpt-4o-mini',
    settings: [
      'one process, the binary that its npm package fetches',
      'concurrency: the rate of the run, or the connections of the driver where they are more; queue and pool 1.5 times that',
      'connections to the mock: 5,000, or as many as the driver opens where that is more',
      'full queue: wait (drop_excess_requests off); max_retries 0',
      'no configuration store, no log store, no request logging; -log-level error',
    ],
    install: [
      // Asked for help, the binary says it and ends, once the package has fetched it into this cache.
      ['env', `XDG_CACHE_HOME=${cache}`, 'npx', '--yes', WRAPPER, '--transport-version', BIFROST_VERSION, '-help'],
    ],
    selfReports: [
      {
        kind: 'prometheus',
        path: '/metrics',
        metric: 'bifrost_overhead_latency_microseconds',
        unit: 'us',
        claims: 'time of the request in its HTTP hooks, less the time blocked on the sockets to the provider',
      },
    ],
    find,
    start: async (context) => {
      const found = await find()
      assertInstalled('bifrost', found)
      return startGateway(
        {
          name: 'bifrost',
          ...(found.version !== undefined && { version: found.version }),
          files: { 'config.json': bifrostConfig(context) },
          command: (folder, port) => ({
            command: found.binary,
            args: ['-app-dir', folder, '-host', '127.0.0.1', '-port', String(port), '-log-level', 'error'],
            env: { PATH: SERVER_PATH },
          }),
          ready: { path: '/health', accept: (status) => status === 200 },
          readyTimeoutMs: READY_TIMEOUT_MS,
        },
        context.signal,
      )
    },
  }
}

/** Its configuration file, sized by the formulas of its documentation. */
export function bifrostConfig({ mockUrl, connections, config }: Omit<TargetContext, 'signal'>): string {
  // They say the rate, which is too few where an answer takes more than a second.
  const concurrency = Math.max(Math.ceil(config.ratePerSec), connections)
  const waiting = Math.ceil(SPARE * concurrency)
  const file = {
    client: { initial_pool_size: waiting, drop_excess_requests: false, enable_logging: false },
    providers: {
      openai: {
        keys: [{ name: 'bench', value: 'sk-gatebench', models: ['*'], weight: 1 }],
        concurrency_and_buffer_size: { concurrency, buffer_size: waiting },
        network_config: {
          base_url: mockUrl,
          default_request_timeout_in_seconds: config.timeoutMs === 0 ? DAY_S : Math.ceil(config.timeoutMs / 1_000),
          max_retries: 0,
          max_conns_per_host: Math.max(USUAL_CONNECTIONS, connections),
        },
      },
    },
    config_store: { enabled: false },
    logs_store: { enabled: false },
  }
  return JSON.stringify(file, null, 2)
}

type Found = Extract<Availability, { installed: false }> | { installed: true; version?: string; binary: string }

/** `$BIFROST_BIN`, else what the npm package fetched into `cache`, else a `bifrost-http` on the path. */
async function findBinary(cache: string, named: string | undefined): Promise<Found> {
  const isThere = async (binary: string) => (await findOnPath(binary, '')).installed
  if (named !== undefined && named !== '') {
    if (await isThere(named)) return { installed: true, binary: named }
    const reason = `BIFROST_BIN is "${named}", which is not a program`
    return { installed: false, reason, install: 'set BIFROST_BIN to the binary bifrost-http, or unset it' }
  }
  const fetched = join(cache, 'bifrost', BIFROST_VERSION, 'bin', 'bifrost-http-0')
  if (await isThere(fetched)) return { installed: true, version: BIFROST_VERSION, binary: fetched }
  if (await isThere(ON_PATH)) return { installed: true, binary: ON_PATH }
  return notInstalled('bifrost', `${cache}, nor on the path as ${ON_PATH}, nor named by BIFROST_BIN`)
}

export const bifrost: Target = bifrostIn(gatewayHome(process.env), process.env['BIFROST_BIN'])
