import type { RunConfig } from '../config.ts'
import type { CommandIo } from './io.ts'

/** Stands in until the driver is there. */
export function runCommand(config: RunConfig, io: CommandIo): Promise<{ exitCode: 0 | 1 | 130 }> {
  io.stdout(`${JSON.stringify(config, null, 2)}\n`)
  return Promise.resolve({ exitCode: 0 })
}
