import { readAzure, readDeployments } from './config-azure.ts'
import { DEFAULTS } from './config-defaults.ts'
import type { GatewayConfigFile } from './config-file.ts'
import { readNetwork } from './config-network.ts'
import { isMalformed, type Shaped, wasGiven } from './config-shape.ts'
import type { ConfigValues } from './config-values.ts'
import type { KeyConfig, ProviderConfig } from './config.ts'
import { PRESETS } from './core/providers/presets.ts'

export type ProviderFile = Shaped<GatewayConfigFile['providers'][string]>
export type NetworkFile = NonNullable<ProviderFile['network_config']>
export type KeyFile = NonNullable<ProviderFile['keys']>[number]

/** Reads one provider; what is wrong goes to `values`. */
export function readProvider(values: ConfigValues, name: string, file: ProviderFile): ProviderConfig {
  const path = `providers.${name}`
  if (name === '' || /[/\s]/.test(name)) {
    values.problem(path, "a provider's name must not be empty, nor hold a slash or a blank")
  }
  const preset = readPreset(values, `${path}.custom_provider_config`, name, file)
  const azure = preset !== undefined && PRESETS[preset]?.deployments ? readAzure(values, path, file) : undefined
  const { keys = [] } = file
  if (preset !== undefined) checkKeyCount(values, path, name, preset, file)
  checkKeyNames(values, path, keys)
  return {
    name,
    preset: preset ?? 'openai',
    ...readSizes(values, `${path}.concurrency_and_buffer_size`, file.concurrency_and_buffer_size),
    keys: keys.map((key, index) => readKey(values, `${path}.keys.${index}`, index, key, azure !== undefined)),
    network: readNetwork(values, { path, name, preset, file, endpoint: azure?.endpoint }),
    ...(azure && { apiVersion: azure.apiVersion }),
  }
}

/** A provider of an unknown name is taken for an OpenAI-compatible one; undefined when it cannot be told. */
function readPreset(values: ConfigValues, path: string, name: string, file: ProviderFile): string | undefined {
  const isPreset = Object.hasOwn(PRESETS, name)
  const custom = file.custom_provider_config
  if (custom === undefined) {
    if (wasGiven(file, 'custom_provider_config')) return undefined
    return isPreset ? name : 'openai'
  }
  const base = custom.base_provider_type
  if (base === undefined) return undefined
  if (isPreset) {
    values.problem(path, `${JSON.stringify(name)} is a provider by itself; give the custom one a name of its own`)
    return undefined
  }
  if (Object.hasOwn(PRESETS, base)) return base
  const known = Object.keys(PRESETS).join(', ')
  values.problem(`${path}.base_provider_type`, `must be one of ${known}; got ${JSON.stringify(base)}`)
  return undefined
}

function readSizes(
  values: ConfigValues,
  path: string,
  sizes: ProviderFile['concurrency_and_buffer_size'],
): { concurrency: number; bufferSize: number } {
  const { concurrency = DEFAULTS.concurrency, buffer_size: bufferSize = DEFAULTS.bufferSize } = sizes ?? {}
  const readable = !isMalformed(sizes, 'concurrency') && !isMalformed(sizes, 'buffer_size')
  if (readable && concurrency > bufferSize) {
    values.problem(path, `concurrency (${concurrency}) must not be larger than buffer_size (${bufferSize})`)
  }
  return { concurrency, bufferSize }
}

function checkKeyCount(values: ConfigValues, path: string, name: string, preset: string, file: ProviderFile): void {
  if (isMalformed(file, 'keys') || (file.keys ?? []).length > 0 || PRESETS[preset]?.keyless === true) return
  // A server of one's own may want no key; that it is so must be said, or a forgotten key would look the same.
  const isOwnServer = preset === 'openai' && name !== preset && wasGiven(file.network_config, 'base_url')
  if (isOwnServer && file.keys) return
  values.problem(`${path}.keys`, `at least one is needed${isOwnServer ? '; write [] for a server without keys' : ''}`)
}

function checkKeyNames(values: ConfigValues, path: string, keys: readonly KeyFile[]): void {
  const seen = new Set<string>()
  keys.forEach((key, index) => {
    const name = keyName(key, index)
    if (seen.has(name))
      values.problem(`${path}.keys.${index}.name`, `${JSON.stringify(name)} names another key already`)
    seen.add(name)
  })
}

const keyName = (key: KeyFile, index: number): string => key.name ?? `key-${index + 1}`

function readKey(values: ConfigValues, path: string, index: number, file: KeyFile, isAzure: boolean): KeyConfig {
  const { models = ['*'], enabled = DEFAULTS.enabled, value } = file
  if (!isAzure && file.azure_key_config) {
    values.findings.warnings.push(`${path}.azure_key_config: the provider is not azure; it changes nothing`)
  }
  return {
    name: keyName(file, index),
    // The variable of a key that is taken out need not be set.
    value: enabled && value !== undefined ? values.secret(`${path}.value`, value) : '',
    models: models.includes('*') ? 'all' : models,
    blacklistedModels: file.blacklisted_models ?? [],
    weight: file.weight ?? DEFAULTS.weight,
    enabled,
    deployments: isAzure ? readDeployments(file) : {},
  }
}
