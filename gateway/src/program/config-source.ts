import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'

import { ConfigError, type GatewayConfig, parseConfigText } from '../config.ts'
import type { ConfigOverrides } from './flags.ts'

export interface LoadedConfig {
  config: GatewayConfig
  /** What `config` was read from: a worker that starts later must not find another file. */
  text: string
  warnings: string[]
}

/** @throws ConfigError with every problem, one that the file cannot be read among them */
export function loadConfig(file: string, overrides: ConfigOverrides): LoadedConfig {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError([error instanceof Error ? error.message : String(error)])
  }
  return { ...readConfig(text, overrides), text }
}

/** @throws ConfigError with every problem */
export function readConfig(text: string, overrides: ConfigOverrides): Omit<LoadedConfig, 'text'> {
  const { config, warnings } = parseConfigText(text, process.env)
  return {
    config: {
      ...config,
      initialPoolSize: overrides.poolSize ?? config.initialPoolSize,
      dropExcessRequests: overrides.dropExcessRequests ?? config.dropExcessRequests,
      prometheusLabels: overrides.prometheusLabels ?? config.prometheusLabels,
    },
    warnings,
  }
}

/** For people: how many problems, then each on a line of its own. */
export function problemText(file: string, { problems }: ConfigError): string {
  const head = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${file}`
  return [head, ...problems.map((problem) => `  ${problem}`)].join('\n')
}

/** What is fixed when the gateway starts, by its name in the file. */
const FIXED_AT_START = {
  prometheus_labels: ({ prometheusLabels }) => prometheusLabels,
  request_log: ({ requestLog }) => requestLog,
  max_request_body_mb: ({ maxRequestBodyBytes }) => maxRequestBodyBytes,
  max_request_header_kb: ({ maxRequestHeaderBytes }) => maxRequestHeaderBytes,
  request_read_timeout: ({ requestReadTimeoutMs }) => requestReadTimeoutMs,
} as const satisfies Record<string, (config: GatewayConfig) => unknown>

/** Settings that a reload would have to change and cannot. */
export function fixedDifferences(started: GatewayConfig, next: GatewayConfig): string[] {
  return Object.entries(FIXED_AT_START)
    .filter(([, setting]) => !isDeepStrictEqual(setting(started), setting(next)))
    .map(([name]) => name)
}
