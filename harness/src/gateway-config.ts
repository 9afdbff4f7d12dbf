import { readFileSync } from 'node:fs'
import { isJsonObject, parseJsonObject, type JsonObject } from './json-object.ts'

/** Settings of a gateway's config.json from a file, or what is wrong with the file. */
export function readGatewayConfig(path: string): JsonObject | string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return `cannot read "${path}": ${error instanceof Error ? error.message : String(error)}`
  }
  const parsed = parseJsonObject(text)
  return typeof parsed === 'string' ? `"${path}" ${parsed}` : parsed
}

const HIDDEN = '[not kept]'

/**
 * The settings as they may stand in a report: texts that are or may hold keys and passwords are replaced, but for
 * `env.NAME`, which tells nobody anything.
 */
export function withoutSecrets(settings: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, safe(name, value)]))
}

function safe(name: string, value: unknown): unknown {
  // Of keys and caller_keys; of request_log; of network_config.
  if (name === 'value' || name === 'url') return hidden(value)
  if (name === 'extra_headers' && isJsonObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([header, text]) => [header, hidden(text)]))
  }
  if (Array.isArray(value)) return value.map((item) => safe('', item))
  return isJsonObject(value) ? withoutSecrets(value) : value
}

function hidden(value: unknown): unknown {
  return typeof value === 'string' && value.startsWith('env.') ? value : HIDDEN
}
