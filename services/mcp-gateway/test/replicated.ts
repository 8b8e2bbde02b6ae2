import { createServer, type RequestListener, type Server } from 'node:http'
import type { TestContext } from 'node:test'
import { freePort } from '@ai-governance/infra/local/ports'
import { buildApp } from '../src/app.ts'
import { LIMITS, type Limits } from '../src/limits.ts'

/** Two addresses of this machine: all of 127/8 on Linux; elsewhere the two that loopback has. */
export const ADDRESSES = ['127.0.0.1', process.platform === 'linux' ? '127.0.0.2' : '::1'] as const

/** A call as a replica received it. */
export interface Received {
  method: string
  target: string
  host: string | undefined
  key: string | string[] | undefined
}

/** A real HTTP server at one address, which can be stopped and started again. */
export interface TestReplica {
  /** Calls, probes left out. */
  received: Received[]
  answer: RequestListener
  start(): Promise<void>
  stop(): Promise<void>
}

export const ok: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': 2 }).end('{}')
}

export function problem(status: number, code: string): RequestListener {
  const body = JSON.stringify({ status, code, detail: 'x' })
  const headers = { 'content-type': 'application/problem+json', 'content-length': body.length }
  return (_request, response) => {
    response.writeHead(status, headers).end(body)
  }
}

/** A service at `address`; what `isHealthy` tells of it answers the probe, and undefined leaves it unanswered. */
function replicaAt(t: TestContext, address: string, port: number): TestReplica {
  let server: Server | undefined
  const replica: TestReplica = {
    received: [],
    answer: ok,
    async start() {
      server = createServer((request, response) => {
        const { method = '', url = '', headers } = request
        if (url === '/healthz') return ok(request, response)
        request.resume().on('end', () => {
          const key = headers['idempotency-key']
          replica.received.push({ method, target: url, host: headers.host, key })
          replica.answer(request, response)
        })
      })
      await new Promise<void>((resolve) => server?.listen(port, address, resolve))
    },
    async stop() {
      const stopped = new Promise((resolve) => server?.close(resolve))
      server?.closeAllConnections()
      await stopped
    },
  }
  t.after(() => {
    server?.close()
    server?.closeAllConnections()
  })
  return replica
}

/** A gateway before mcp-audit at two addresses, which `addresses` may be changed to be fewer of. */
export async function startReplicated(t: TestContext, limits: Partial<Limits> = {}) {
  const servicePort = await freePort()
  const replicas = ADDRESSES.map((address) => replicaAt(t, address, servicePort))
  await Promise.all(replicas.map((replica) => replica.start()))
  const addresses: string[] = [...ADDRESSES]
  const port = await freePort()
  const config = {
    ...{ host: '127.0.0.1', port, ports: [port], metricsPort: undefined },
    ...{ logLevel: 'silent', allowedHosts: [], identitySecretPath: undefined },
    directory: new Map([['mcp-audit', `http://mcp-audit:${servicePort}`]]),
    auth: { mode: 'none' as const },
    rateLimits: { perKey: null, perAddress: null },
  }
  const quick = { ...LIMITS, probeEvery: 20, resolveEvery: 50, ...limits }
  const app = buildApp(config, quick, { resolve: async () => addresses })
  await app.listen({ host: '127.0.0.1', port })
  t.after(() => {
    app.server.closeAllConnections()
    return app.close()
  })
  const [first, second] = replicas as [TestReplica, TestReplica]
  return { port, servicePort, addresses, first, second }
}
