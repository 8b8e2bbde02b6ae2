import { ApiError } from '@ai-governance/common/errors'
import { idempotencyKey } from '@ai-governance/common/idempotency-key'
import type { App } from '@ai-governance/common/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { IncomingHttpHeaders } from 'undici/types/header.d.ts'
import { z } from 'zod'
import { type DirectoryAnswer, type RegisteredAnswer, RegisteredRecord } from './answers.ts'
import type { Bodies } from './body.ts'
import type { Limits } from './limits.ts'
import { ask, type Upstreams, upstreamFault } from './upstreams.ts'

const problem = z.looseObject({ status: z.int(), code: z.string(), detail: z.string() })

/** Headers of mcp-lineage's answer that its caller gets to see. */
const PASSED_ON = ['retry-after', 'idempotency-replayed']

export interface Parts {
  upstreams: Upstreams
  limits: Limits
  /** What the front has read and checked. */
  bodies: Bodies
}

/** The gateway's own routes. */
export function registerRoutes(app: App, { upstreams, limits, bodies }: Parts): void {
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
    scope.addContentTypeParser('application/json', async (request: FastifyRequest) =>
      bodies.get(request.raw),
    )
    scope.post('/api/v1/models/register', (request, reply) =>
      registerModel(request, reply, upstreams, limits),
    )
  })
}

/** Registers a model version at mcp-lineage, which writes the audit entry in the same transaction. */
async function registerModel(
  request: FastifyRequest,
  reply: FastifyReply,
  upstreams: Upstreams,
  limits: Limits,
): Promise<unknown> {
  const answer = await callLineage(request, upstreams, limits)
  const value = parseAnswer(answer.text)
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
  if (answer.status < 400 || !refusal.success) {
    const cause = new Error(`mcp-lineage answers ${answer.status} without problem details`)
    throw new ApiError('upstream_invalid', undefined, { cause })
  }
  return reply
    .code(answer.status)
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send({ ...refusal.data, request_id: request.id })
}

async function callLineage(
  request: FastifyRequest,
  upstreams: Upstreams,
  limits: Limits,
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const lineage = upstreams.get('mcp-lineage')
  if (!lineage) throw new ApiError('upstream_unavailable')
  const key = idempotencyKey(request.raw.rawHeaders)
  const headers = ['x-request-id', request.id, 'content-type', 'application/json']
  if (key !== null) headers.push('idempotency-key', key)
  const body = request.body as Buffer
  try {
    const call = { method: 'POST', path: '/register', headers, body } as const
    return await ask(lineage.pool, call, limits.answerHead)
  } catch (error) {
    throw upstreamFault(error as Error, true)
  }
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ApiError('upstream_invalid', undefined, { cause })
  }
}
