import { timingSafeEqual, createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MockUsageError } from './config.ts'
import type { Control } from './control.ts'
import type { ReceivedBody } from './endpoint.ts'
import { bearerKey } from './keys.ts'
import type { Peers } from './peers.ts'
import { ProviderError } from './provider-error.ts'

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/

/**
 * `GET` and `POST /admin/config`, `GET /admin/strict`: for callers of this machine, or those with the admin key where
 * there is one.
 */
export function addAdminRoutes(app: FastifyInstance, control: Control, peers: Peers): void {
  const { adminKey } = control.running.config
  void app.register(
    (admin, _options, done) => {
      admin.addHook('onRequest', (request, _reply, next) => {
        next(refusal(request, adminKey))
      })
      admin.get('/config', () => control.written)
      admin.post<{ Body: ReceivedBody | undefined }>('/config', async (request) => {
        await peers.change(request.body?.fields)
        return control.written
      })
      admin.get('/strict', async () => {
        const report = await peers.strictReport()
        if (report) return report
        throw new ProviderError(
          404,
          'strict mode is off; set "strict" by --strict, in the file or by POST /admin/config',
        )
      })
      admin.setErrorHandler(sendError)
      done()
    },
    { prefix: '/admin' },
  )
}

function refusal({ ip, headers }: FastifyRequest, adminKey: string | undefined): ProviderError | undefined {
  if (adminKey === undefined) {
    return LOOPBACK.test(ip)
      ? undefined
      : new ProviderError(403, 'without --admin-key, /admin is for callers of this machine alone')
  }
  const given = bearerKey(headers.authorization)
  if (given !== undefined && timingSafeEqual(digest(given), digest(adminKey))) return undefined
  return new ProviderError(401, '/admin needs the header authorization: Bearer <the key of --admin-key>')
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** A plain shape: /admin is no provider's. */
function sendError(error: Error & { statusCode?: number }, _request: FastifyRequest, reply: FastifyReply) {
  const status = error instanceof MockUsageError ? 400 : (error.statusCode ?? 500)
  const problems = error instanceof MockUsageError ? error.problems : [error.message]
  return reply.code(status).send({ problems })
}
