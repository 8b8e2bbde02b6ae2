import { ApiError } from '@ai-governance/common/errors'
import {
  IDENTITY_HEADER,
  type IdentityClaims,
  readIdentityKey,
} from '@ai-governance/common/identity'
import { IdentityVerifier, type Issuer } from '@ai-governance/common/identity-verifier'
import { parseBody } from '@ai-governance/common/json-body'
import type { App } from '@ai-governance/common/server'
import type { FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a route takes from anybody but a service, where that is less: see docs/API.md, `POST /log`. */
    fromOthers?: { maxValues: number; bytes: number }
  }
  interface FastifyRequest {
    /** Verified, body and all; null for an unsigned call, and until the body is here. */
    identity: IdentityClaims | null
    /** Verified but for the body. */
    claimed: IdentityClaims | null
  }
}

/** The service that records which policies are in force. */
export const POLICY_SERVICE = 'service:mcp-policy'
const POLICY_SCOPES = JSON.stringify(['audit:append', 'audit:read'])

/** What a signed caller needs for a route; one that is not here is refused to all of them. */
const SCOPES: Readonly<Record<string, string>> = {
  'POST /log': 'audit:append',
  'POST /log/batch': 'audit:append',
  'GET /events': 'audit:read',
  'GET /events/:id': 'audit:read',
  'GET /verify': 'audit:read',
  'GET /checkpoint': 'audit:read',
  'GET /checkpoint/key': 'audit:read',
  'GET /proof/inclusion': 'audit:read',
  'GET /proof/consistency': 'audit:read',
  'GET /tile/*': 'audit:read',
  'GET /holds': 'audit:read',
  'GET /export': 'audit:export',
  'POST /events/:id/erase': 'audit:erase',
  'POST /retention': 'audit:erase',
  'POST /holds': 'audit:erase',
  'POST /holds/:id/release': 'audit:erase',
}

/** mcp-policy speaks for itself alone, and may append and read. */
function policyIssuer(key: Buffer): Issuer {
  return {
    name: 'mcp-policy',
    key,
    mayClaim: ({ sub, svc, scopes }) =>
      sub === POLICY_SERVICE && svc === POLICY_SERVICE && JSON.stringify(scopes) === POLICY_SCOPES,
  }
}

const NOTHING = Buffer.alloc(0)
const secondsNow = () => Date.now() / 1_000

/**
 * Says of each request who calls. A request with `X-MCP-Identity` is refused unless the header is right, and
 * limited to its scopes; one without is `anonymous`. Without a key the header means nothing, as any other
 * that this service does not know.
 *
 * @throws EnvironmentError if the key cannot be read
 */
export function registerCallers(app: App, policyKeyPath: string | undefined): void {
  app.decorateRequest('identity', null)
  app.decorateRequest('claimed', null)
  const key = policyKeyPath && readIdentityKey(policyKeyPath, 'POLICY_IDENTITY_KEY_PATH')
  const parts = { audience: 'mcp-audit', startedAt: secondsNow() }
  const verifier = key ? new IdentityVerifier({ ...parts, issuers: [policyIssuer(key)] }) : null
  if (verifier) verifyCallers(app, verifier)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/x-ndjson'],
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer, done) => {
      if (verifier) admit(request, body, verifier)
      const rules = request.routeOptions.config
      const others = request.identity?.svc ? undefined : rules.fromOthers
      if (others && body.length > others.bytes) throw new ApiError('body_too_large')
      done(null, parseBody(body, request.headers['content-type'], others ?? rules))
    },
  )
}

function verifyCallers(app: App, verifier: IdentityVerifier): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const header = request.headers[IDENTITY_HEADER]
    if (header !== undefined) {
      const { id, method, raw } = request
      const signed = { id, method, target: raw.url ?? '' }
      request.claimed = verifier.verify(String(header), signed, secondsNow())
      assertScope(request, request.claimed)
      if (method !== 'POST') {
        assertNoBody(request)
        admit(request, NOTHING, verifier)
      }
    }
    done()
  })
  // Whatever way leads here: no handler sees a claim that was not verified to its end.
  app.addHook('preValidation', (request, _reply, done) =>
    done(
      request.claimed && !request.identity
        ? new Error('a signed request came past the verification of its body')
        : undefined,
    ),
  )
}

function admit(request: FastifyRequest, body: Buffer, verifier: IdentityVerifier): void {
  const { claimed } = request
  if (!claimed) return
  verifier.admit(claimed, body, secondsNow())
  request.identity = claimed
  request.actor = claimed.sub
}

function assertScope({ method, routeOptions }: FastifyRequest, { scopes }: IdentityClaims): void {
  const { url } = routeOptions
  if (url === undefined || url === '/healthz' || url === '/readyz') return
  const scope = SCOPES[`${method} ${url}`]
  if (scope === undefined || !scopes.includes(scope)) throw new ApiError('insufficient_scope')
}

/** Fastify reads no body of a GET, so nothing would compare it with what was signed. */
function assertNoBody({ headers }: FastifyRequest): void {
  const length = headers['content-length'] ?? '0'
  if (headers['transfer-encoding'] !== undefined || length !== '0') {
    throw new ApiError('body_not_allowed')
  }
}
