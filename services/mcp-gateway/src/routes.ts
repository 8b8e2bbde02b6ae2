import { ApiError } from '@ai-governance/common/errors'
import { AIBOM_BODY_LIMIT, AIBOM_MAX_VALUES, parseJsonBody } from '@ai-governance/common/json-body'
import type { App } from '@ai-governance/common/server'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type DirectoryAnswer, type RegisteredAnswer, RegisteredRecord } from './answers.ts'
import { requestHeaders } from './headers.ts'
import type { Limits } from './limits.ts'
import { ask, type Upstreams, upstreamFault } from './upstreams.ts'

const problem = z.looseObject({ status: z.int(), code: z.string(), detail: z.string() })

/** The gateway's own routes. */
export function registerRoutes(app: App, upstreams: Upstreams, limits: Limits): void {
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
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer' },
      async (_request: FastifyRequest, body: Buffer) => {
        parseJsonBody(body, AIBOM_MAX_VALUES)
        // The bytes that were checked are sent on; a rendering of our own could say another number.
        return body
      },
    )
    scope.post(
      '/api/v1/models/register',
      { bodyLimit: AIBOM_BODY_LIMIT },
      async (request, reply) => {
        // Without a body Fastify calls no parser.
        if (!Buffer.isBuffer(request.body)) throw new ApiError('invalid_json', 'the body is empty')
        return registerModel(request.id, request.body, reply, upstreams, limits)
      },
    )
  })
}

/** Registers a model version at mcp-lineage, which writes the audit entry in the same transaction. */
async function registerModel(
  requestId: string,
  body: Buffer,
  reply: FastifyReply,
  upstreams: Upstreams,
  limits: Limits,
): Promise<unknown> {
  const answer = await callLineage(requestId, body, upstreams, limits)
  const value = parseAnswer(answer.text)
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
  if (answer.retryAfter) reply.header('retry-after', answer.retryAfter)
  return reply
    .code(answer.status)
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send({ ...refusal.data, request_id: requestId })
}

async function callLineage(
  requestId: string,
  body: Buffer,
  upstreams: Upstreams,
  limits: Limits,
): Promise<{ status: number; retryAfter: string | undefined; text: string }> {
  const lineage = upstreams.get('mcp-lineage')
  if (!lineage) throw new ApiError('upstream_unavailable')
  const headers = requestHeaders(requestId, true)
  try {
    const request = { method: 'POST', path: '/register', headers, body } as const
    const answer = await ask(lineage.pool, request, limits.answerHead)
    const retryAfter = answer.headers['retry-after']
    return {
      status: answer.status,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
      text: answer.text,
    }
  } catch (error) {
    throw upstreamFault(error as Error)
  }
}

function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ApiError('upstream_invalid', undefined, { cause })
  }
}
