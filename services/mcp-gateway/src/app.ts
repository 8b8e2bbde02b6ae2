import type { HostRules } from '@ai-governance/common/host-check'
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

/** Headers of Fastify's answers that belong to the one answer, not to all. */
const OF_ONE_ANSWER = ['content-type', 'content-length', 'date', 'connection', 'x-request-id']

/** Builds the gateway, ready to listen. `limits` differ from the default in tests alone. */
export async function buildApp(config: Config, limits: Limits = LIMITS): Promise<App> {
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
    securityHeaders: await securityHeaders(app),
    linger: limits.linger,
  }
  const table = new RouteTable(upstreams.keys())
  const room = new BodyRoom(limits.bodyRoom)
  front = new Front({ rules, table, upstreams, limits, room, bodies, counter })
  return app
}

/** The security headers that Fastify answers with, so that those of proxied answers are the same. */
async function securityHeaders(app: App): Promise<string[]> {
  const { headers } = await app.inject('/healthz')
  return Object.entries(headers)
    .filter(([name]) => !OF_ONE_ANSWER.includes(name))
    .flatMap(([name, value]) => [name, String(value)])
}
