import type { IncomingMessage } from 'node:http'
import { ApiError } from '@ai-governance/common/errors'
import type { App } from '@ai-governance/common/http/server'
import { requestTrace } from '@ai-governance/common/observability/request-trace'
import { traceHeaders } from '@ai-governance/common/observability/trace-context'
import { idempotencyKey } from '@ai-governance/common/requests/idempotency-key'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type DirectoryAnswer, type RegisteredAnswer, RegisteredRecord } from './answers.ts'
import { type Caller, flowOf } from './auth/caller.ts'
import type { IdentityHeaders } from './auth/signing.ts'
import { registerGate } from './gate/gate-route.ts'
import { type Bodies, takeBody } from './ingress/body.ts'
import type { Limits } from './limits.ts'
import { OwnCalls, parsed } from './upstreams/own-calls.ts'
import type { Upstreams } from './upstreams/upstreams.ts'
import type { WholeAnswer } from './upstreams/whole-answer.ts'

const problem = z.looseObject({ status: z.int(), code: z.string(), detail: z.string() })

/** Headers of mcp-lineage's answer that its caller gets to see. */
const PASSED_ON = ['retry-after', 'idempotency-replayed']

export interface Parts {
  upstreams: Upstreams
  limits: Limits
  /** What the front has read and checked. */
  bodies: Bodies
  /** Who makes a request that the front has let through. */
  callerOf: (request: IncomingMessage) => Caller
  sign: IdentityHeaders
}

/** The gateway's own routes. */
export function registerRoutes(app: App, parts: Parts): void {
  const { upstreams, bodies } = parts
  app.get('/mcp', async (request): Promise<z.infer<typeof DirectoryAnswer>> => {
    const services = [...upstreams.keys()].sort()
    // The Host header has passed the check by now: it is a name of ours.
    const base = `http://${request.headers.host}`
    return {
      services,
      directory: Object.fromEntries(services.map((name) => [name, `${base}/${name}`])),
    }
  })

  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    // The bytes that were checked are sent on; a rendering of our own could say another number.
    scope.addContentTypeParser(
      'application/json',
      async (request: FastifyRequest) => takeBody(bodies, request.raw).bytes,
    )
    scope.post('/api/v1/models/register', (request, reply) => registerModel(request, reply, parts))
  })
  registerGate(app, parts)
}

/** Registers a model version at mcp-lineage, which writes the audit entry in the same transaction. */
async function registerModel(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: Parts,
): Promise<unknown> {
  const answer = await callLineage(request, parts)
  const value = parsed(answer.text)
  for (const name of PASSED_ON) {
    const header = answer.headers[name]
    if (typeof header === 'string') reply.header(name, header)
  }
  if (answer.status === 200) {
    const record = RegisteredRecord.safeParse(value)
    if (!record.success) throw new ApiError('upstream_invalid', undefined, { cause: record.error })
    const { model_id, audit } = record.data
    const registered: z.infer<typeof RegisteredAnswer> = {
      status: 'ok',
      model_id,
      lineage: record.data,
      audit,
    }
    return registered
  }
  const refusal = problem.safeParse(value)
  // 401 is about the gateway: the caller's own credentials were judged here, and are right.
  if (answer.status < 400 || answer.status === 401 || !refusal.success) {
    const cause = new Error(`mcp-lineage answers ${answer.status}, which is nothing for the caller`)
    throw new ApiError('upstream_invalid', undefined, { cause })
  }
  return reply
    .code(answer.status)
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send({ ...refusal.data, request_id: request.id })
}

function callLineage(
  request: FastifyRequest,
  { upstreams, limits, callerOf, sign }: Parts,
): Promise<WholeAnswer> {
  const caller = callerOf(request.raw)
  const calls = new OwnCalls({
    ...{ upstreams, sign, caller, flow: flowOf(caller, request.raw.socket) },
    requestId: request.id,
    trace: traceHeaders(requestTrace(request.raw)),
    within: limits.answerHead,
  })
  return calls.make({
    ...{ service: 'mcp-lineage', method: 'POST', target: '/register' },
    ...{ body: request.body as Buffer, writes: true },
    key: idempotencyKey(request.raw.rawHeaders),
  })
}
