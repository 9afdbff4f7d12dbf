import { DEFAULTS } from './config-defaults.ts'
import type { KeyFile, ProviderFile } from './config-providers.ts'
import { isMalformed, wasGiven } from './config-shape.ts'
import type { ConfigValues } from './config-values.ts'

/** What Azure's keys say of their provider. */
export interface AzureSettings {
  /** Absent when network_config.base_url stands for it, or when it could not be read. */
  endpoint: URL | undefined
  apiVersion: string
}

/** Azure's keys carry what elsewhere belongs to the provider; one provider is one pool, so they must agree. */
export function readAzure(values: ConfigValues, path: string, file: ProviderFile): AzureSettings {
  const { keys = [] } = file
  // Of a key that is taken out no variable need be set, unless there is no other.
  const everyKey = !keys.some((key) => key.enabled !== false)
  const baseUrlGiven = wasGiven(file.network_config, 'base_url')
  let first: (AzureSettings & { path: string }) | undefined
  for (const [index, key] of keys.entries()) {
    if (!everyKey && key.enabled === false) continue
    const at = `${path}.keys.${index}.azure_key_config`
    const settings = readSettings(values, at, key, path, baseUrlGiven)
    if (settings === undefined) continue
    first ??= { ...settings, path: at }
    const differing = [
      ...(hrefOf(settings.endpoint) === hrefOf(first.endpoint) ? [] : ['endpoint']),
      ...(settings.apiVersion === first.apiVersion ? [] : ['api_version']),
    ]
    for (const setting of differing) {
      values.problem(
        `${at}.${setting}`,
        `differs from ${first.path}.${setting}, and keys of one provider share it; ` +
          'write two providers, the second with "custom_provider_config": { "base_provider_type": "azure" }',
      )
    }
  }
  return { endpoint: first?.endpoint, apiVersion: first?.apiVersion ?? DEFAULTS.azureApiVersion }
}

function readSettings(
  values: ConfigValues,
  at: string,
  key: KeyFile,
  providerPath: string,
  baseUrlGiven: boolean,
): AzureSettings | undefined {
  const azure = key.azure_key_config
  if (isMalformed(key, 'azure_key_config') || isMalformed(azure, 'endpoint') || isMalformed(azure, 'api_version')) {
    return undefined
  }
  const apiVersion = readApiVersion(values, `${at}.api_version`, azure?.api_version)
  if (azure?.endpoint === undefined) {
    if (!baseUrlGiven) values.problem(`${at}.endpoint`, 'is missing; write https://NAME.openai.azure.com')
    return baseUrlGiven && apiVersion !== undefined ? { endpoint: undefined, apiVersion } : undefined
  }
  if (baseUrlGiven) {
    const places = `${at}.endpoint and ${providerPath}.network_config.base_url`
    values.problem(places, 'the same setting named twice; keep one')
    return undefined
  }
  const endpoint = values.url(`${at}.endpoint`, azure.endpoint)
  return endpoint === undefined || apiVersion === undefined ? undefined : { endpoint, apiVersion }
}

function readApiVersion(values: ConfigValues, path: string, value: string | undefined): string | undefined {
  const version = values.text(path, value ?? DEFAULTS.azureApiVersion)
  if (version === undefined || /^[\w.-]+$/.test(version)) return version
  values.problem(path, `is not a version; write a date such as ${DEFAULTS.azureApiVersion}`)
  return undefined
}

const hrefOf = (url: URL | undefined): string => (url?.href ?? '').replace(/\/+$/, '')

/** Model to deployment, as one key has them. */
export function readDeployments(file: KeyFile): Record<string, string> {
  const deployments = Object.entries(file.azure_key_config?.deployments ?? {})
  return Object.fromEntries(deployments.map(([model, deployment = '']) => [model, deployment]))
}
