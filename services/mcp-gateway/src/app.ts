import type { HostRules } from '@ai-governance/common/host-check'
import { SECURITY_HEADERS } from '@ai-governance/common/security-headers'
import { type App, createServer } from '@ai-governance/common/server'
import { RouteTable } from './allowed-routes.ts'
import { type Bodies, BodyRoom } from './body.ts'
import type { Config } from './config.ts'
import { GATEWAY_NAME } from './directory.ts'
import { Front } from './front.ts'
import { LIMITS, type Limits } from './limits.ts'
import { createListener } from './listener.ts'
import { inOrder } from './pipeline.ts'
import { readinessOf } from './readiness.ts'
import { registerRoutes } from './routes.ts'
import { closeUpstreams, openUpstreams } from './upstreams.ts'

/** Builds the gateway, ready to listen. `limits` differ from the default in tests alone. */
export function buildApp(config: Config, limits: Limits = LIMITS): App {
  const upstreams = openUpstreams(config.directory, limits)
  const host = { ports: config.ports, allowedHosts: config.allowedHosts }
  const rules: HostRules = { name: GATEWAY_NAME, ...host }
  let front: Front

  const app = createServer({
    name: GATEWAY_NAME,
    logLevel: config.logLevel,
    host,
    missing: readinessOf(upstreams),
    http: {
      serverFactory: (own) =>
        createListener(
          inOrder((request, response) => front.handle(request, response, own)),
          limits,
        ),
    },
  })
  const bodies: Bodies = new WeakMap()
  registerRoutes(app, { upstreams, limits, bodies })
  app.addHook('onClose', () => closeUpstreams(upstreams))

  const counter = {
    log: app.log,
    metrics: app.metrics,
    server: app.server,
    securityHeaders: Object.entries(SECURITY_HEADERS).flat(),
    linger: limits.linger,
  }
  const table = new RouteTable(upstreams.keys())
  const room = new BodyRoom(limits.bodyRoom)
  front = new Front({ rules, table, upstreams, limits, room, bodies, counter })
  return app
}
