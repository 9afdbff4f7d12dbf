import type { GatewayConfigFile } from '@gatebench/gateway/config'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RunningProgram, startProgram } from '../processes.ts'

/** The mock in a process of its own. */
export function startMock(...flags: string[]): Promise<RunningProgram> {
  const script = fileURLToPath(import.meta.resolve('@gatebench/mock-provider/main'))
  return startProgram({ name: 'mock', script, args: ['--port', '0', ...flags] })
}

/** The gateway in a process of its own, as `bench gateway` starts it. */
export async function startGateway(config: GatewayConfigFile): Promise<RunningProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'gatebench-test-'))
  try {
    const file = join(folder, 'config.json')
    await writeFile(file, JSON.stringify(config))
    const script = fileURLToPath(import.meta.resolve('@gatebench/gateway/main'))
    return await startProgram({ name: 'gateway', script, args: ['--config', file, '--port', '0'] })
  } finally {
    // Read once, before it listens.
    await rm(folder, { recursive: true, force: true })
  }
}
