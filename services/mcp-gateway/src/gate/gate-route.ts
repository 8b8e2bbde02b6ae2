import type { IncomingMessage } from 'node:http'
import { scheduler } from 'node:timers/promises'
import type { App, ZodTypeProvider } from '@ai-governance/common/http/server'
import { requestTrace } from '@ai-governance/common/observability/request-trace'
import { traceHeaders } from '@ai-governance/common/observability/trace-context'
import { idempotencyKey } from '@ai-governance/common/requests/idempotency-key'
import type { FastifyRequest } from 'fastify'
import { type Caller, flowOf } from '../auth/caller.ts'
import type { IdentityHeaders } from '../auth/signing.ts'
import { type Bodies, takeBody } from '../ingress/body.ts'
import type { Limits } from '../limits.ts'
import { OwnCalls } from '../upstreams/own-calls.ts'
import type { Upstreams } from '../upstreams/upstreams.ts'
import { decideAndRecord } from './decide-and-record.ts'
import { GateBody, GateQuery } from './gate-question.ts'

export interface GateParts {
  upstreams: Upstreams
  limits: Limits
  bodies: Bodies
  /** Who makes a request, once the front has let it through. */
  callerOf: (request: IncomingMessage) => Caller
  sign: IdentityHeaders
}

/** `POST /api/v1/gate`, docs/API.md. */
export function registerGate(app: App, parts: GateParts): void {
  const { upstreams, limits, bodies, callerOf, sign } = parts
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      'application/json',
      async (request: FastifyRequest) => takeBody(bodies, request.raw).value,
    )
    scope
      .withTypeProvider<ZodTypeProvider>()
      .post(
        '/api/v1/gate',
        { schema: { body: GateBody, querystring: GateQuery } },
        async (request, reply) => {
          const caller = callerOf(request.raw)
          const calls = new OwnCalls({
            ...{ upstreams, sign, caller, flow: flowOf(caller, request.raw.socket) },
            requestId: request.id,
            trace: traceHeaders(requestTrace(request.raw)),
            within: limits.answerHead,
          })
          // Hashing a large payload takes as long as parsing it did: others have their turn in between.
          await scheduler.yield()
          const key = idempotencyKey(request.raw.rawHeaders)
          const { proof } = request.query
          const { text, replayed } = await decideAndRecord(calls, request.body, { key, proof })
          if (replayed) reply.header('idempotency-replayed', 'true')
          return reply.type('application/json; charset=utf-8').send(text)
        },
      )
  })
}
