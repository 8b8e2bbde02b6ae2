import { ApiError, type ErrorCode } from '../../services/common/src/errors.ts'
import type { AllowedRoute } from '../../services/mcp-gateway/src/allowed-routes.ts'
import { type JsonSchema, ref } from './components.ts'
import { codesByStatus } from './error-codes.ts'
import type { AnswerHeader, Operation } from './operation.ts'

const text = (description: string, schema: JsonSchema = {}) => ({
  description,
  schema: { type: 'string', ...schema },
})

/** Headers of answers, for `components.headers`. */
export const HEADERS: Record<
  AnswerHeader | 'X-Request-ID' | 'Retry-After' | 'WWW-Authenticate',
  object
> = {
  'X-Request-ID': {
    ...text('The caller’s own where it was usable, else one of the gateway’s.', {
      pattern: '^[A-Za-z0-9._-]{1,64}$',
    }),
    required: true,
  },
  'Retry-After': {
    ...text('When to come back, in seconds.', { pattern: '^[1-9][0-9]*$' }),
    required: true,
  },
  'WWW-Authenticate': text(
    'The scheme that is expected, and the scope that is missing (RFC 6750).',
  ),
  Link: text('`<…>; rel="next"` where there is another page (RFC 8288).'),
  'Idempotency-Replayed': text('`true` where this is what an earlier request under the key made.', {
    enum: ['true'],
  }),
  'Cache-Control': text('How long the answer may be kept.'),
  'Content-Disposition': text('A name to save it under.'),
  ETag: text('Changes when the answer changes.'),
}

const headerRefs = (names: readonly (keyof typeof HEADERS)[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))

/** Error answers that many operations share, each under one name in `components.responses`. */
export class ErrorResponses {
  readonly all: Record<string, object> = {}
  readonly #names = new Map<string, string>()

  /** A reference to the answer with this status and one of these codes. */
  refTo(status: number, codes: readonly ErrorCode[]): object {
    const key = `${status} ${codes.join(' ')}`
    let name = this.#names.get(key)
    if (name === undefined) {
      const before = Object.keys(this.all).filter((known) => known.startsWith(`Error${status}`))
      name = `Error${status}${'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[before.length]}`
      this.#names.set(key, name)
      this.all[name] = errorResponse(status, codes)
    }
    return { $ref: `#/components/responses/${name}` }
  }
}

function errorResponse(status: number, codes: readonly ErrorCode[]): object {
  const lines = codes.map((code) => `\`${code}\`: ${new ApiError(code).detail}.`)
  const extra = [
    ...(status === 401 || codes.includes('insufficient_scope')
      ? (['WWW-Authenticate'] as const)
      : []),
    ...(status === 429 || status === 503 ? (['Retry-After'] as const) : []),
  ]
  const narrower = { properties: { status: { const: status }, code: { enum: codes } } }
  return {
    description: lines.join('\n'),
    headers: headerRefs(['X-Request-ID', ...extra]),
    content: {
      'application/problem+json': { schema: { allOf: [{ $ref: ref('Problem') }, narrower] } },
    },
  }
}

/** All answers of an operation. */
export function responsesOf(
  operation: Operation,
  route: AllowedRoute,
  proxied: boolean,
  errors: ErrorResponses,
): Record<string, object> {
  const failures = codesByStatus(route, proxied, operation.errors)
  return {
    200: {
      description: operation.summary,
      headers: headerRefs(['X-Request-ID', ...(operation.headers ?? [])]),
      content: operation.answer,
    },
    ...(operation.headers?.includes('ETag') && {
      304: {
        description: 'What `If-None-Match` names is what there is.',
        headers: headerRefs(['X-Request-ID', 'ETag']),
      },
    }),
    ...Object.fromEntries(
      [...failures].map(([status, codes]) => [status, errors.refTo(status, codes)]),
    ),
  }
}
