import { getuid } from 'node:process'
import { askVersion, SERVER_PATH, versionOf } from './installed.ts'
import { startGateway } from './start-gateway.ts'
import type { Target, TargetContext } from './target.ts'

const READY_TIMEOUT_MS = 10_000

const VERSION = {
  command: ['nginx', '-v'],
  pattern: /nginx\/(\S+)/,
  install: 'apt-get install nginx-light',
} as const

/** In each worker, beside the load's own: probes, listeners, callers that reconnect. */
const SPARE_CONNECTIONS = 200
/** Sockets that it listens on, epoll, pipes. No more than `checkFileLimits` leaves room for: it may not raise the limit. */
const OTHER_FILES = 64
/** Longer than any run. */
const FOR_EVER = '1d'
const MANY = 1_000_000_000
/** Of an answer, beside its body. */
const ANSWER_HEADER_BYTES = 4096

/**
 * nginx as a reverse proxy that looks at nothing: what a proxy in C costs. Set up as its makers advise for load:
 * https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive (without HTTP/1.1 and an empty Connection header
 * each request has a connection of its own), https://www.nginx.com/blog/tuning-nginx (worker_processes, keepalive, access
 * log) and https://www.nginx.com/blog/avoiding-top-10-nginx-configuration-mistakes (files for both sides of each request).
 * It is stopped by SIGTERM: SIGQUIT, its graceful end, waits for connections that were opened ahead and never used.
 */
export const nginx: Target = {
  name: 'nginx',
  title: 'nginx as a reverse proxy',
  needsMock: true,
  settings: [
    'worker_processes auto: one for each core, each with a listening socket of its own (reuseport)',
    'worker_connections: in each worker enough for every connection of the load and one to the mock for each',
    'worker_rlimit_nofile: as many files, and some more',
    'upstream keepalive: as many idle connections as the load has, over HTTP/1.1, closed neither for age nor for count',
    'access_log off, errors to stderr',
    'proxy_buffering on, with buffers that hold the whole answer; request bodies in memory, nothing on disk',
    'headers and bodies pass as they are, Host, Server and Date included',
    "proxy_read_timeout and proxy_send_timeout: the run's timeout",
  ],
  install: [['apt-get', 'install', '--yes', 'nginx-light']],
  find: () => askVersion(VERSION),
  start: async (context) => {
    const version = await versionOf(VERSION)
    return startGateway(
      {
        name: 'nginx',
        ...(version !== undefined && { version }),
        files: (folder, port) => ({ 'nginx.conf': nginxConfig(context, { folder, port, asRoot: getuid?.() === 0 }) }),
        command: (folder) => ({
          command: 'nginx',
          args: ['-p', folder, '-e', 'stderr', '-c', `${folder}/nginx.conf`],
          env: { PATH: SERVER_PATH },
        }),
        ready: { path: '/health' },
        readyTimeoutMs: READY_TIMEOUT_MS,
      },
      context.signal,
    )
  },
}

/** The text of nginx.conf. @param at `folder`: where it may write; `asRoot`: its workers must be told to stay root. */
export function nginxConfig(
  { config, mockUrl, connections }: TargetContext,
  { folder, port, asRoot }: { folder: string; port: number; asRoot: boolean },
): string {
  const mock = new URL(mockUrl)
  // With a path it takes the place of the location's "/"; without one the request's own path passes untouched.
  const mockPath = mock.pathname === '/' ? '' : `${mock.pathname}/`
  const workerConnections = 2 * connections + SPARE_CONNECTIONS
  const timeout = config.timeoutMs === 0 ? FOR_EVER : `${Math.ceil(config.timeoutMs)}ms`
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  return `${asRoot ? 'user root;\n' : ''}daemon off;
pid ${folder}/nginx.pid;
worker_processes auto;
worker_rlimit_nofile ${workerConnections + OTHER_FILES};
events {
  worker_connections ${workerConnections};
}
http {
  ${temporary.join('\n  ')}
  access_log off;
  # Connections are opened ahead, and some carry their first request late.
  client_header_timeout ${FOR_EVER};
  keepalive_timeout ${FOR_EVER};
  keepalive_time ${FOR_EVER};
  keepalive_requests ${MANY};
  client_max_body_size 0;
  client_body_buffer_size ${Math.max(config.requestBytes, 16_384)};
  ignore_invalid_headers off;
  underscores_in_headers on;
  upstream mock {
    server ${mock.host};
    keepalive ${connections};
    keepalive_timeout ${FOR_EVER};
    keepalive_time ${FOR_EVER};
    keepalive_requests ${MANY};
  }
  server {
    listen 127.0.0.1:${port} reuseport backlog=4096;
    location / {
      proxy_pass http://mock${mockPath};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_pass_header Server;
      proxy_pass_header Date;
      proxy_buffering on;
      proxy_buffer_size ${ANSWER_HEADER_BYTES};
      proxy_buffers ${answerBuffers(config.responseBytes)} 8k;
      proxy_max_temp_file_size 0;
      proxy_read_timeout ${timeout};
      proxy_send_timeout ${timeout};
    }
  }
}
`
}

/** nginx takes no fewer than two, and makes them only as an answer needs them. */
function answerBuffers(responseBytes: number): number {
  return Math.max(8, Math.ceil(responseBytes / 8192) + 1)
}
