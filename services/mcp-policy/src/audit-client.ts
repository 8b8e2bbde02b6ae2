import { request as httpRequest } from 'node:http'
import { ApiError } from '@ai-governance/common/errors'
import { IDENTITY_HEADER, serviceClaims, signIdentity } from '@ai-governance/common/identity'
import { requestId } from '@ai-governance/common/request-id'

/** How long mcp-audit may take for an answer, in ms: longer than it waits for its database. */
const WITHIN = 10_000
/** The files of a set, twice: once as what they are, once in the escapes of JSON. */
const MAX_ANSWER = 67_108_864
const SCOPES = ['audit:append', 'audit:read']

export interface AuditClientOptions {
  /** The origin of mcp-audit, such as `http://mcp-audit:8000`. */
  url: string
  /** Signs `X-MCP-Identity`; 32 bytes. */
  key: Buffer
}

interface Call {
  method: 'GET' | 'POST'
  /** Path and query. */
  target: string
  body?: string
  idempotencyKey?: string
}

/**
 * Calls mcp-audit as `service:mcp-policy`. By `node:http` and not by fetch(), which follows redirects; without
 * an agent, so that no proxy variable of the environment counts.
 */
export class AuditClient {
  readonly #url: URL
  readonly #key: Buffer

  constructor({ url, key }: AuditClientOptions) {
    this.#url = new URL(url)
    this.#key = key
  }

  /** @throws ApiError as {@link send} */
  get(target: string, signal?: AbortSignal): Promise<unknown> {
    return this.#call({ method: 'GET', target }, signal)
  }

  /** The same `idempotencyKey` makes one entry, however often it is sent. @throws ApiError as {@link send} */
  append(event: object, idempotencyKey: string, signal?: AbortSignal): Promise<unknown> {
    const body = JSON.stringify(event)
    return this.#call({ method: 'POST', target: '/log', body, idempotencyKey }, signal)
  }

  async #call(call: Call, stop: AbortSignal | undefined): Promise<unknown> {
    const id = requestId(undefined)
    const { method, target, body = '' } = call
    const claims = serviceClaims(
      { from: 'mcp-policy', to: 'mcp-audit', scopes: SCOPES, requestId: id, method, target, body },
      Date.now() / 1000,
    )
    const headers = {
      [IDENTITY_HEADER]: signIdentity(claims, this.#key),
      'x-request-id': id,
      ...(call.body !== undefined && {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(call.body)),
      }),
      ...(call.idempotencyKey !== undefined && { 'idempotency-key': call.idempotencyKey }),
    }
    const within = AbortSignal.timeout(WITHIN)
    const signal = stop ? AbortSignal.any([stop, within]) : within
    const { status, text } = await send(this.#url, call, headers, signal)
    const answer = parsed(text)
    if (status === 200 && answer !== undefined) return answer
    const code = (answer as { code?: unknown } | undefined)?.code
    throw new ApiError(status >= 500 ? 'upstream_unavailable' : 'upstream_invalid', NO_ANSWER, {
      cause: new Error(`mcp-audit answered ${method} ${target} with ${status} ${String(code)}`),
    })
  }
}

const NO_ANSWER = 'mcp-audit gave no usable answer'

/** @throws ApiError `upstream_unavailable`, `upstream_timeout`, `upstream_invalid`; why is in its cause */
function send(url: URL, call: Call, headers: Record<string, string>, signal: AbortSignal) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const fail = (cause: unknown) =>
      reject(
        new ApiError(signal.aborted ? 'upstream_timeout' : 'upstream_unavailable', NO_ANSWER, {
          cause,
        }),
      )
    const options = {
      agent: false,
      method: call.method,
      path: call.target,
      headers,
      signal,
    } as const
    const request = httpRequest(url, options, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_ANSWER) response.destroy(new Error(`more than ${MAX_ANSWER} bytes`))
        else chunks.push(chunk)
      })
      response.once('error', fail)
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      )
    })
    request.once('error', fail)
    request.end(call.body)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
