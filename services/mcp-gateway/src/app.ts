import type { IncomingMessage } from 'node:http'
import { SECURITY_HEADERS } from '@ai-governance/common/http/security-headers'
import { type App, createServer } from '@ai-governance/common/http/server'
import type { HostRules } from '@ai-governance/common/requests/host-check'
import { BodyRoom } from './admission/body-room.ts'
import { openOwnPlaces } from './admission/own-places.ts'
import { RouteTable } from './allowed-routes.ts'
import type { Caller } from './auth/caller.ts'
import { type AuthParts, openAuth } from './auth/open-auth.ts'
import { identitySigner, readIdentitySecret } from './auth/signing.ts'
import type { Config } from './config.ts'
import { GATEWAY_NAME } from './directory.ts'
import { registerDocs } from './docs/docs-page.ts'
import { gatewayCounters, registerUpstreamMetrics } from './gateway-metrics.ts'
import type { Bodies } from './ingress/body.ts'
import { type Callers, Front } from './ingress/front.ts'
import { createListener } from './ingress/listener.ts'
import { inOrder } from './ingress/pipeline.ts'
import { LIMITS, type Limits } from './limits.ts'
import { registerRoutes } from './routes.ts'
import type { Resolver } from './upstreams/addresses.ts'
import { readinessOf } from './upstreams/readiness.ts'
import { closeUpstreams, openUpstreams } from './upstreams/upstreams.ts'

export type AppOptions = Pick<AuthParts, 'denialsEvery' | 'issuerTimes'> & { resolve?: Resolver }

/**
 * Builds the gateway, ready to listen. `limits` and `options` differ from the default in tests alone.
 *
 * @throws EnvironmentError where the secret of the stack or the file of keys cannot be used
 */
export function buildApp(config: Config, limits: Limits = LIMITS, options: AppOptions = {}): App {
  const { identitySecretPath: secretPath } = config
  const secret = secretPath === undefined ? null : readIdentitySecret(secretPath)
  const sign = identitySigner(secret, config.directory.keys())
  const upstreams = openUpstreams(config.directory, limits, options.resolve)
  const host = { ports: config.ports, allowedHosts: config.allowedHosts }
  const rules: HostRules = { name: GATEWAY_NAME, ...host }
  const servicesMissing = readinessOf(upstreams)
  let front: Front

  const app = createServer({
    name: GATEWAY_NAME,
    logLevel: config.logLevel,
    host,
    missing: async () => [...auth.missing(), ...(await servicesMissing())],
    http: {
      serverFactory: (own) =>
        createListener(
          inOrder((request, response) => front.handle(request, response, own)),
          limits,
        ),
    },
  })
  const callers: Callers = new WeakMap()
  nameCallers(app, callers)
  const callerOf = (request: IncomingMessage) => callerIn(callers, request)
  const bodies: Bodies = new WeakMap()
  registerRoutes(app, { upstreams, limits, bodies, callerOf, sign })
  registerDocs(app)
  const auth = openAuth({ config, app, upstreams, sign, ...options })
  app.addHook('onClose', async () => {
    await auth.stop()
    await closeUpstreams(upstreams)
  })

  const counter = {
    log: app.log,
    metrics: app.metrics,
    counters: gatewayCounters(app.metrics, upstreams.keys()),
    server: app.server,
    sign,
    securityHeaders: Object.entries(SECURITY_HEADERS).flat(),
    linger: limits.linger,
  }
  registerUpstreamMetrics(app.metrics, upstreams)
  const table = new RouteTable(upstreams.keys())
  const room = new BodyRoom(limits.bodyRoom)
  front = new Front({
    rules,
    table,
    upstreams,
    limits,
    room,
    ownPlaces: openOwnPlaces(limits, upstreams.lag),
    bodies,
    callers,
    guard: auth.guard,
    counter,
  })
  return app
}

/** Tells the gateway's own routes who calls. */
function nameCallers(app: App, callers: Callers): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const caller = callers.get(request.raw)
    if (caller) request.actor = caller.actor
    done()
  })
}

/** Who makes a request to one of the gateway's own routes that are not open: the front lets nobody else through. */
function callerIn(callers: Callers, request: IncomingMessage): Caller {
  const caller = callers.get(request)
  if (!caller) throw new Error('a request came past the front')
  return caller
}
