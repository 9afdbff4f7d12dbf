import type { FastifyReply, FastifyRequest } from 'fastify'

import type { PipelineHost } from './pipeline-host.ts'

/** For routes that only those may use whom the gateway serves: refuses before anything of a body is read. */
export function admissionHook(host: PipelineHost) {
  return ({ headers }: FastifyRequest, _reply: FastifyReply, done: () => void): void => {
    host.checkAdmission(headers)
    done()
  }
}
