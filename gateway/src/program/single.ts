import type { AddressInfo } from 'node:net'

import type { LoadedConfig } from './config-source.ts'
import { EXIT } from './exit-codes.ts'
import type { Flags } from './flags.ts'
import { cannotListen, resolved, urlOf } from './listening.ts'
import { announce, say, sayCut, warn } from './output.ts'
import { loadAgain } from './reloading.ts'
import { Serving } from './serving.ts'
import { onSignals } from './signals.ts'

/**
 * One process that does everything.
 * @throws ProgramError
 */
export async function runSingle(flags: Flags, { config }: LoadedConfig): Promise<void> {
  const { logLevel, debugPort } = flags
  const place = await resolved(flags)
  const serving = await Serving.start({ config, logLevel, ...(debugPort !== undefined && { debugPort }), warn, say })
  const { app } = serving
  try {
    await app.listen(place)
  } catch (error) {
    await serving.close()
    throw cannotListen(flags, error)
  }
  onSignals({
    stop: async () => {
      const cut = await serving.drain(flags.drainLimitMs)
      if (cut > 0) sayCut(cut, flags.drainLimitMs)
      // Not exit(): what is still being written to stderr would be lost.
      process.exitCode = cut > 0 ? EXIT.cut : EXIT.drained
    },
    reload: async () => {
      const next = loadAgain(flags, config)
      if (next === undefined) return
      if (await serving.reload(next.config)) say(`reloaded ${flags.config}`)
    },
  })
  announce(urlOf(app.server.address() as AddressInfo))
}
