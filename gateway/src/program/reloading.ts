import { ConfigError, type GatewayConfig } from '../config.ts'
import { fixedDifferences, loadConfig, type LoadedConfig, problemText } from './config-source.ts'
import type { Flags } from './flags.ts'
import { say, warn } from './output.ts'

/** The configuration as it is in the file now; undefined, and told why, when it cannot be used. */
export function loadAgain({ config: file, overrides }: Flags, started: GatewayConfig): LoadedConfig | undefined {
  try {
    const loaded = loadConfig(file, overrides)
    for (const warning of loaded.warnings) warn(`${file}: ${warning}`)
    for (const setting of fixedDifferences(started, loaded.config)) {
      warn(`${file}: ${setting} has changed, which takes a restart; it stays as it was`)
    }
    return loaded
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    say(`${problemText(file, error)}\ngateway: the configuration stays as it was`)
    return undefined
  }
}
