import { createServer, type AddressInfo, type Server } from 'node:net'

import type { LoadedConfig } from '../program/config-source.ts'
import { EXIT } from '../program/exit-codes.ts'
import type { Flags } from '../program/flags.ts'
import { cannotListen, resolved, urlOf } from '../program/listening.ts'
import { announce, say, sayCut, warn } from '../program/output.ts'
import { loadAgain } from '../program/reloading.ts'
import { onSignals } from '../program/signals.ts'
import { WorkerGroup } from './worker-group.ts'

/**
 * The process that listens and lets workers serve.
 * @throws ProgramError
 */
export async function runPrimary(flags: Flags, { config, text }: LoadedConfig): Promise<void> {
  const { workers, overrides, logLevel, debugPort } = flags
  const group = new WorkerGroup({
    workers,
    configText: text,
    overrides,
    logLevel,
    ...(debugPort !== undefined && { debugPort }),
  })
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    // It belongs to the worker; what happens to it is told there.
    socket.on('error', () => undefined)
    group.deal(socket)
  })
  // Before the workers are there, so that a port in use is known at once; callers who come early wait.
  await listen(server, flags)
  server.on('error', (error) => {
    warn(`cannot accept a connection: ${error.message}`)
  })
  await group.start()
  let reloading = Promise.resolve()
  onSignals({
    stop: async () => {
      server.close()
      const cut = await group.drain(flags.drainLimitMs)
      if (cut > 0) sayCut(cut, flags.drainLimitMs)
      process.exitCode = cut > 0 ? EXIT.cut : EXIT.drained
    },
    reload: () => {
      reloading = reloading.then(async () => {
        const next = loadAgain(flags, config)
        if (next === undefined) return
        await group.reload(next.text)
        say(`reloaded ${flags.config}`)
      })
      return reloading
    },
  })
  announce(urlOf(server.address() as AddressInfo))
}

async function listen(server: Server, flags: Flags): Promise<void> {
  const place = await resolved(flags)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(place, () => {
        server.removeListener('error', reject)
        resolve()
      })
    })
  } catch (error) {
    throw cannotListen(flags, error)
  }
}
