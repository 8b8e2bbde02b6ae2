import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '../errors.ts'
import { isProbe } from '../http/probes.ts'
import type { App } from '../http/server.ts'
import { parseBody } from '../requests/json-body.ts'
import { type CallerConfig, takesUnsigned } from './caller-config.ts'
import { IDENTITY_HEADER, type IdentityClaims, readIdentityKey } from './identity.ts'
import { IdentityVerifier, type Issuer, refusal } from './identity-verifier.ts'
import { type Access, allows } from './scopes.ts'

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

/** Who the gateway is where it speaks for itself: `svc` of what it writes of its own. */
export const GATEWAY_SERVICE = 'service:mcp-gateway'

/** What a route asks of its caller; with `service:<name>`, that it is this service and speaks for itself. */
export type RouteAccess = Access | `service:${string}`

export interface CallersOptions {
  /** The name of the service that is called. */
  service: string
  config: CallerConfig
  /** `<method> <route>` to what it asks. A route that is not here cannot be registered: nothing is open by omission. */
  access: Readonly<Record<string, RouteAccess>>
  /** Who signs besides the gateway. */
  otherIssuers?: readonly Issuer[]
}

/**
 * The gateway passes on the calls of whoever it let in, or speaks for itself, then perhaps about one of them; it
 * never passes itself off as another service.
 */
function gatewayIssuer(key: Buffer): Issuer {
  return {
    name: 'mcp-gateway',
    key,
    mayClaim: ({ sub, svc }) =>
      (svc === null || svc === GATEWAY_SERVICE) &&
      (!sub.startsWith('service:') || (sub === GATEWAY_SERVICE && svc === GATEWAY_SERVICE)),
  }
}

const NOTHING = Buffer.alloc(0)
const secondsNow = () => Date.now() / 1_000

/**
 * Says of each request who calls: `request.actor`, and `request.identity` where the call is signed. Refused is a
 * header that is not right in every respect, what the scopes of its caller do not cover, and, unless the
 * configuration takes them for `anonymous`, a call without one; probes say nothing and are for everybody. Where there
 * is no key the header means nothing, as any other that a service does not know. To be called before routes are
 * registered.
 *
 * @throws EnvironmentError if the key cannot be read
 */
export function registerCallers(app: App, options: CallersOptions): void {
  app.decorateRequest('identity', null)
  app.decorateRequest('claimed', null)
  const verifier = verifierOf(options)
  if (verifier) verifyCallers(app, verifier, takesUnsigned(options.config))
  assertAccess(app, options)
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

/** Null where there is no key at all. */
function verifierOf({
  service,
  config,
  otherIssuers = [],
}: CallersOptions): IdentityVerifier | null {
  const path = config.IDENTITY_KEY_PATH
  const gateway = path ? [gatewayIssuer(readIdentityKey(path, 'IDENTITY_KEY_PATH'))] : []
  const issuers = [...gateway, ...otherIssuers]
  if (issuers.length === 0) return null
  return new IdentityVerifier({ audience: service, issuers, startedAt: secondsNow() })
}

function verifyCallers(app: App, verifier: IdentityVerifier, unsigned: boolean): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const header = request.headers[IDENTITY_HEADER]
    if (header !== undefined) {
      const { id, method, raw } = request
      const signed = { id, method, target: raw.url ?? '' }
      request.claimed = verifier.verify(String(header), signed, secondsNow())
      // What has no body is verified to its end: createServer has refused one on everything but POST.
      if (method !== 'POST') admit(request, NOTHING, verifier)
    } else if (!unsigned && !isProbe(request.raw.url)) throw refusal()
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

/** Of each route a hook of its own, so that nothing is looked up when a request comes. */
function assertAccess(app: App, { service, access }: CallersOptions): void {
  app.addHook('onRoute', (route) => {
    const name = `${route.method} ${route.url}`
    const needed = Object.hasOwn(access, name) ? access[name] : undefined
    if (!needed) throw new Error(`${service} has ${name}, and its table of access does not`)
    const hooks = route.onRequest ?? []
    const assertMay = (request: FastifyRequest, _reply: FastifyReply, done: () => void) => {
      if (!may(request.claimed, needed)) {
        // Nothing is written for whoever may not: for the log line, what the signature says is enough.
        if (request.claimed) request.actor = request.claimed.sub
        throw new ApiError('insufficient_scope')
      }
      done()
    }
    route.onRequest = [assertMay, ...(Array.isArray(hooks) ? hooks : [hooks])]
  })
}

function may(claimed: IdentityClaims | null, access: RouteAccess): boolean {
  if (access.startsWith('service:')) return claimed?.svc === access
  return claimed === null || allows(claimed.scopes, access as Access)
}

function admit(request: FastifyRequest, body: Buffer, verifier: IdentityVerifier): void {
  const { claimed } = request
  if (!claimed) return
  verifier.admit(claimed, body, secondsNow())
  request.identity = claimed
  request.actor = claimed.sub
}
