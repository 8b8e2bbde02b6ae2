import { request as httpRequest } from 'node:http'
import {
  IDENTITY_HEADER,
  serviceClaims,
  signIdentity,
} from '@ai-governance/common/callers/identity'
import { ApiError } from '@ai-governance/common/errors'
import type { JsonValue } from '@ai-governance/common/formats/canonical-json'
import { parseStrictJson } from '@ai-governance/common/formats/strict-json'
import { BATCH_BODY_LIMIT, BATCH_MAX_VALUES } from '@ai-governance/common/requests/json-body'
import { requestId } from '@ai-governance/common/requests/request-id'

/** How long mcp-audit may take for an answer, in ms: longer than it waits for its database. */
const WITHIN = 10_000
/** The largest answer: an entry that mcp-audit takes, in bytes and JSON values, and what it adds of its own. */
const MAX_ANSWER = BATCH_BODY_LIMIT + 65_536
const MAX_VALUES = BATCH_MAX_VALUES + 64
const SCOPES = ['audit:append', 'audit:read']

export interface AuditClientOptions {
  /** The origin of mcp-audit, such as `http://mcp-audit:8000`. */
  url: string
  /** Signs `X-MCP-Identity`; 32 bytes. */
  key: Buffer
}

/** That mcp-audit answered with something else than 200 and JSON: the cause of `upstream_invalid`. */
export class AuditRefusal extends Error {
  readonly method: string
  readonly code: string

  /** @param code of its problem details, if it is one */
  constructor(call: Call, status: number, code: string) {
    super(`mcp-audit answered ${call.method} ${call.target} with ${status} ${code}`)
    this.method = call.method
    this.code = code
  }
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
  get(target: string, signal?: AbortSignal): Promise<JsonValue> {
    return this.#call({ method: 'GET', target }, signal)
  }

  /** The same `idempotencyKey` makes one entry, however often it is sent. @throws ApiError as {@link send} */
  append(event: object, idempotencyKey: string, signal?: AbortSignal): Promise<JsonValue> {
    const body = JSON.stringify(event)
    return this.#call({ method: 'POST', target: '/log', body, idempotencyKey }, signal)
  }

  async #call(call: Call, stop: AbortSignal | undefined): Promise<JsonValue> {
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
    const { status, body: bytes } = await send(this.#url, call, headers, signal)
    const answer = parsed(bytes)
    if (status === 200 && answer !== undefined) return answer
    throw new ApiError(status >= 500 ? 'upstream_unavailable' : 'upstream_invalid', NO_ANSWER, {
      cause: new AuditRefusal(call, status, codeIn(answer)),
    })
  }
}

/** What callers are told; why, is in the cause of the error, for the log. */
export const NO_ANSWER = 'mcp-audit gave no usable answer'

/** @throws ApiError `upstream_unavailable`, `upstream_timeout`, `upstream_invalid`; why is in its cause */
function send(url: URL, call: Call, headers: Record<string, string>, signal: AbortSignal) {
  return new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
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
    let hasBegun = false
    const request = httpRequest(url, options, (response) => {
      hasBegun = true
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_ANSWER) response.destroy(new Error(`more than ${MAX_ANSWER} bytes`))
        else chunks.push(chunk)
      })
      response.once('error', fail)
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }),
      )
    })
    request.once('error', fail)
    // Where the answer changes the protocol, there is no error either.
    request.once('close', () => {
      if (!hasBegun) fail(new Error('the connection was closed without an answer'))
    })
    request.end(call.body)
  })
}

/** Undefined for what is no JSON that could be hashed: then no entry is in it. */
function parsed(bytes: Buffer): JsonValue | undefined {
  try {
    return parseStrictJson(bytes, MAX_VALUES)
  } catch {
    return undefined
  }
}

/** Only what looks like a code: it goes into a log line. */
function codeIn(answer: JsonValue | undefined): string {
  const { code } = Object(answer) as { code?: unknown }
  return typeof code === 'string' && /^[a-z_]{1,50}$/.test(code) ? code : 'without a code'
}
