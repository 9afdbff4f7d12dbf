import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { assertInstalled, gatewayFolder, gatewayHome, lockFile, notInstalled } from './gateway-home.ts'
import { startGateway } from './start-gateway.ts'
import type { Availability, Target } from './target.ts'

/** The version that harness/gateways/portkey locks. */
export const PORTKEY_VERSION = '1.15.2'

const READY_TIMEOUT_MS = 60_000

/**
 * Portkey's gateway from npm, as its documentation starts it (docs/installation-deployments.md in its repository,
 * "Node.js server"). It has no configuration file: each request says in headers which provider it is for and where that
 * is (https://portkey.ai/docs/product/ai-gateway/custom-hosts). It listens on all addresses; there is no setting for that.
 */
export function portkeyIn(home: string): Target {
  const folder = gatewayFolder(home, 'portkey', PORTKEY_VERSION)
  const script = join(folder, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js')
  const find = (): Availability =>
    existsSync(script) ? { installed: true, version: PORTKEY_VERSION } : notInstalled('portkey', folder)
  return {
    name: 'portkey',
    title: "Portkey's AI gateway",
    needsMock: true,
    model: 'gpt-4o-mini',
    upstreamModel: 'gpt-4o-mini',
    settings: [
      'one process, under the Node that runs bench',
      'NODE_ENV=production and --headless: no console, no stream of logs to it',
      'provider and mock are named in the headers of each request: no cache, no retries, no guardrails',
      'TRUSTED_CUSTOM_HOSTS allows the address of the mock',
    ],
    install: [
      ['mkdir', '-p', folder],
      ['cp', lockFile('portkey', 'package.json'), lockFile('portkey', 'package-lock.json'), folder],
      // Its only install script patches dependencies, and the package holds no patches.
      ['npm', 'ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'],
    ],
    find: () => Promise.resolve(find()),
    start: async ({ mockUrl, signal }) => {
      assertInstalled('portkey', find())
      return startGateway(
        {
          name: 'portkey',
          version: PORTKEY_VERSION,
          headers: portkeyHeaders(mockUrl),
          command: (_, port) => ({
            command: process.execPath,
            args: [script, `--port=${port}`, '--headless'],
            env: { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: new URL(mockUrl).hostname },
          }),
          ready: { path: '/' },
          readyTimeoutMs: READY_TIMEOUT_MS,
        },
        signal,
      )
    },
  }
}

/** What a request carries so that Portkey takes the mock for OpenAI. */
export function portkeyHeaders(mockUrl: string): Record<string, string> {
  return {
    authorization: 'Bearer sk-gatebench',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${mockUrl}/v1`,
  }
}

export const portkey: Target = portkeyIn(gatewayHome(process.env))
