import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import type { GatewayConfig } from '../config.ts'
import { GatewayError } from '../core/errors.ts'
import { listedModels } from '../core/routes.ts'
import type { StageClock } from '../core/stage-clock.ts'
import type { HttpContext } from './http-context.ts'
import type { PipelineHost } from './pipeline-host.ts'
import { LabelReader } from './request-labels.ts'

declare module 'fastify' {
  interface FastifyRequest {
    context: HttpContext | null
    /** Of a health check that wants its time told: a harness that measures the way to the gateway and back. */
    clock: StageClock | null
  }
}

interface ModelEntry {
  id: string
  object: 'model'
  created: number
  owned_by: string
}

/** What callers use: OpenAI's routes. */
export function registerApi(app: FastifyInstance, host: PipelineHost): void {
  const labels = new LabelReader(host.current.config.prometheusLabels)

  const onRequest = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const pipeline = host.current
    const context = pipeline.admit()
    context.attach(request.raw, reply.raw)
    context.labels = labels.read(request.headers, pipeline.traffic)
    request.context = context
    host.checkAdmission(request.headers)
    // A body that is announced is counted before it is read.
    const announced = Number(request.headers['content-length'])
    if (announced <= app.initialConfig.bodyLimit!) pipeline.holdBody(context, announced)
    done()
  }
  const serve = (operation: 'chat_completion' | 'embedding') => (request: FastifyRequest, reply: FastifyReply) => {
    const { context, body } = request
    // The context answers, past Fastify's serialisation: the answer is bytes already.
    reply.hijack()
    // The parsed body lives on in the context until no try can need it, and not a moment longer.
    request.body = undefined
    request.context = null
    if (context) context.pipeline.serve(context, operation, body)
  }
  app.post('/v1/chat/completions', { onRequest, handler: serve('chat_completion') })
  app.post('/v1/embeddings', { onRequest, handler: serve('embedding') })

  const listRoute = {
    onRequest: (request: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
      host.checkAdmission(request.headers)
      done()
    },
  }
  app.get('/v1/models', listRoute, () => ({ object: 'list', data: models(host.current.config) }))
  app.get<{ Params: { '*': string } }>('/v1/models/*', listRoute, ({ params }) => {
    const model = models(host.current.config).find(({ id }) => id === params['*'])
    if (model) return model
    throw new GatewayError('model_not_found', `no provider lists model ${JSON.stringify(params['*'])}`)
  })
}

function models(config: GatewayConfig): ModelEntry[] {
  return config.providers.flatMap((provider) =>
    listedModels(provider).map((model): ModelEntry => {
      return { id: `${provider.name}/${model}`, object: 'model', created: 0, owned_by: provider.name }
    }),
  )
}
