import type { FastifyInstance } from 'fastify'

import type { GatewaySnapshot } from '../core/snapshot.ts'
import { SLOT, StageClock } from '../core/stage-clock.ts'
import { TIMING_REQUEST_HEADER } from '../core/stages.ts'
import { admissionHook } from './admission-hook.ts'
import { METRICS_CONTENT_TYPE, renderMetrics } from './metrics.ts'
import type { PipelineHost } from './pipeline-host.ts'
import { serverTiming } from './server-timing.ts'
import { renderStagesReport } from './stages-report.ts'

/** The counters of everybody who serves together: of one process, or of all workers. */
export interface SnapshotSources {
  collect(): Promise<GatewaySnapshot>
  /** Begins the stage histograms anew, everywhere. */
  resetStages(): Promise<void>
}

/** What those who run the gateway use. */
export function registerOperations(app: FastifyInstance, host: PipelineHost, sources = ownSources(host)): void {
  const guarded = { onRequest: admissionHook(host) }
  app.get('/health', {
    onRequest: (request, _reply, done) => {
      if (request.headers[TIMING_REQUEST_HEADER] === '1') request.clock = new StageClock()
      request.clock?.start()
      done()
    },
    handler: ({ clock }, reply) => {
      if (clock) {
        clock.lap(SLOT.request_reading)
        reply.header('server-timing', serverTiming(clock.ns, clock.totalNs))
      }
      const inFlight = host.inUse
      if (!host.draining) return { status: 'ok', inFlight }
      return reply.code(503).header('connection', 'close').send({ status: 'draining', inFlight })
    },
  })
  app.get('/metrics', guarded, async (_request, reply) =>
    reply.type(METRICS_CONTENT_TYPE).send(await renderMetrics(await sources.collect())),
  )
  app.get('/debug/stages', guarded, async () => renderStagesReport(await sources.collect()))
  app.post('/debug/stages/reset', guarded, async () => {
    await sources.resetStages()
    return { status: 'reset' }
  })
}

export function ownSources(host: PipelineHost): SnapshotSources {
  return {
    collect: () => Promise.resolve(host.snapshot()),
    resetStages: () => {
      host.current.histograms.reset()
      return Promise.resolve()
    },
  }
}
