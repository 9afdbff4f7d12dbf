import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

import type { GatewayConfig } from '../config.ts'
import { GatewayError } from '../core/errors.ts'
import { listedModels } from '../core/routes.ts'
import type { StageClock } from '../core/stage-clock.ts'
import { admissionHook } from './admission-hook.ts'
import type { HttpContext } from './http-context.ts'
import type { PipelineHost } from './pipeline-host.ts'
import { holdAsItArrives } from './request-body.ts'
import { LabelReader } from './request-labels.ts'

declare module 'fastify' {
  interface FastifyRequest {
    context: HttpContext | null
    /** Of a health check that wants its time told: a harness that measures the way to the gateway and back. */
    clock: StageClock | null
  }
}

type Operation = 'chat_completion' | 'embedding'

interface ModelEntry {
  id: string
  object: 'model'
  created: number
  owned_by: string
}

/** What callers use: OpenAI's routes. */
export function registerApi(app: FastifyInstance, host: PipelineHost): void {
  const labels = new LabelReader(host.current.config.prometheusLabels)

  const begin =
    (operation: Operation) =>
    (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
      const pipeline = host.current
      const context = pipeline.admit(operation)
      context.attach(request.raw, reply.raw)
      request.context = context
      host.checkAdmission(request.headers)
      // Only now: who may not come in must not use up the label values that are told apart.
      context.labels = labels.read(request.headers, pipeline.traffic)
      // A body that is announced is counted before it is read.
      const announced = Number(request.headers['content-length'])
      if (announced <= app.initialConfig.bodyLimit!) pipeline.holdBody(context, announced)
      done()
    }
  const serve = (request: FastifyRequest, reply: FastifyReply): void => {
    const { context, body } = request
    // The context answers, past Fastify's serialisation: the answer is bytes already.
    reply.hijack()
    // The parsed body lives on in the context until no try can need it, and not a moment longer.
    request.body = undefined
    request.context = null
    // It no longer does when the body came whole, but too late.
    if (context?.isOf(request.raw)) context.pipeline.serve(context, body)
  }
  const take = (path: string, operation: Operation) =>
    app.post(path, { onRequest: begin(operation), preParsing: holdAsItArrives, handler: serve })
  take('/v1/chat/completions', 'chat_completion')
  take('/v1/embeddings', 'embedding')

  const listRoute = { onRequest: admissionHook(host) }
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
