import helmet from '@fastify/helmet'
import Fastify from 'fastify'

/** Headers of the answer that is asked for below which belong to it alone. */
const OF_ONE_ANSWER = ['content-length', 'content-type', 'date', 'connection']

/**
 * The security headers of every answer, lower-case names, as helmet sets them. It is asked once: asked for each
 * answer, it takes 7 of 35 µs, and does not cover those on a bare socket.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = await headersOfHelmet()

async function headersOfHelmet(): Promise<Record<string, string>> {
  const app = Fastify()
  app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    frameguard: { action: 'deny' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    // These speak to pages and plug-ins, and there are none.
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
    // TLS ends in front of this server, and so does the right to promise it.
    strictTransportSecurity: false,
  })
  app.get('/', (_request, reply) => reply.send(''))
  const { headers } = await app.inject('/')
  await app.close()
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !OF_ONE_ANSWER.includes(name))
      .map(([name, value]) => [name, String(value)]),
  )
}
