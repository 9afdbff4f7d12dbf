import { askVersion, SERVER_PATH, versionOf } from './installed.ts'
import { startGateway } from './start-gateway.ts'
import type { Target, TargetContext } from './target.ts'

const READY_TIMEOUT_MS = 10_000

const VERSION = {
  command: ['haproxy', '-v'],
  pattern: /version (\S+)/,
  install: 'apt-get install haproxy',
} as const

/** Beside the load's own: probes, callers that reconnect. It takes two files for each. */
const SPARE_CONNECTIONS = 100
/** Longer than any run. */
const FOR_EVER = '1d'

/**
 * HAProxy as a reverse proxy that looks at nothing: what a proxy in C costs. Set up as its configuration manual advises,
 * https://docs.haproxy.org/2.6/configuration.html: "http-reuse always" for a server that does not break idle connections,
 * no nbthread (one thread for each core), and more room for idle connections than the fifth of all files that
 * tune.pool-low-fd-ratio leaves them: with a file on either side of each request it would close every connection after use.
 */
export const haproxy: Target = {
  name: 'haproxy',
  title: 'HAProxy as a reverse proxy',
  needsMock: true,
  settings: [
    'nbthread as it is by default: one process, one thread for each core',
    'maxconn: enough for every connection of the load',
    'option http-keep-alive, http-reuse always',
    'pool-max-conn -1, pool-purge-delay 1d, tune.pool-low-fd-ratio and tune.pool-high-fd-ratio 100: no idle connection to the mock is closed',
    'no log, no health checks',
    'headers and bodies pass as they are',
    "timeout server: the run's timeout",
  ],
  install: [['apt-get', 'install', '--yes', 'haproxy']],
  find: () => askVersion(VERSION),
  start: async (context) => {
    const version = await versionOf(VERSION)
    return startGateway(
      {
        name: 'haproxy',
        ...(version !== undefined && { version }),
        files: (_, port) => ({ 'haproxy.cfg': haproxyConfig(context, port) }),
        command: (folder) => ({
          command: 'haproxy',
          args: ['-db', '-f', `${folder}/haproxy.cfg`],
          env: { PATH: SERVER_PATH },
        }),
        ready: { path: '/health' },
        readyTimeoutMs: READY_TIMEOUT_MS,
      },
      context.signal,
    )
  },
}

/** The text of haproxy.cfg. */
export function haproxyConfig({ config, mockUrl, connections }: TargetContext, port: number): string {
  const mock = new URL(mockUrl)
  const mockPath = mock.pathname === '/' ? '' : `  http-request set-path ${mock.pathname}%[path]\n`
  return `global
  maxconn ${connections + SPARE_CONNECTIONS}
  tune.pool-low-fd-ratio 100
  tune.pool-high-fd-ratio 100
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 10s
  # Connections are opened ahead, and some carry their first request late.
  timeout client ${FOR_EVER}
  timeout http-keep-alive ${FOR_EVER}
  timeout server ${config.timeoutMs === 0 ? FOR_EVER : `${Math.ceil(config.timeoutMs)}ms`}
frontend gateway
  bind 127.0.0.1:${port}
  default_backend mock
backend mock
${mockPath}  server mock ${mock.hostname}:${mock.port || '80'} pool-max-conn -1 pool-purge-delay ${FOR_EVER}
`
}
