import type { Server } from 'node:http'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyHttpOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyTypeProvider,
  LogController,
} from 'fastify'
import { z } from 'zod'
import { ApiError, type ErrorCode } from '../errors.ts'
import { createLogger } from '../observability/logger.ts'
import { Metrics } from '../observability/metrics.ts'
import { requestTrace } from '../observability/request-trace.ts'
import { traceFields } from '../observability/trace-context.ts'
import { crossSiteFault } from '../requests/cross-site.ts'
import { type HostRules, hostFault } from '../requests/host-check.ts'
import {
  type BodyRules,
  contentTypeFault,
  DEFAULT_BODY_LIMIT,
  parseBody,
} from '../requests/json-body.ts'
import { requestId } from '../requests/request-id.ts'
import { checkExpectations, closeTunnels, isInDoubt, requestFault } from './http-checks.ts'
import { limitLargeBodies } from './large-bodies.ts'
import { isProbe, logLevelOf } from './probes.ts'
import { parserError, refuseOnSocket } from './problem-socket.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

declare module 'fastify' {
  interface FastifyContextConfig extends BodyRules {}
  interface FastifyInstance {
    metrics: Metrics
  }
  interface FastifyRequest {
    /** On whose behalf this request is made, as audit entries and lineage records name it. */
    actor: string
    /** It is counted as in flight: neither was its answer sent, nor has its caller left. */
    isInFlight: boolean
  }
}

/** Gives handlers the types of what the zod schemas of their route let through. */
export interface ZodTypeProvider extends FastifyTypeProvider {
  validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown
  serializer: unknown
}

export interface ServerOptions {
  /** Name of the service, as in log lines and as its peers call it. */
  name: string
  logLevel: string
  host: Pick<HostRules, 'ports' | 'allowedHosts'>
  /** Names what the service cannot work without and does not have; empty when it is ready. */
  missing: () => Promise<string[]>
  /** What the answer of `/readyz` says besides `ok` while nothing is missing. */
  notes?: () => Record<string, unknown>
  /** A server of the caller's own in front of this one; it then sets its own limits. */
  http?: Pick<FastifyHttpOptions<Server>, 'serverFactory'>
}

export type App = ReturnType<typeof createServer>

/** The status that log and metrics show where the caller left before there was an answer (as in nginx). */
export const CALLER_GONE = 499

/** How Node and Fastify read requests and keep connections. Times in ms, sizes in bytes. */
const HTTP_SETTINGS = {
  bodyLimit: DEFAULT_BODY_LIMIT,
  requestTimeout: 15_000,
  keepAliveTimeout: 75_000,
  // A socket on which nothing moves for so long, a reader that has stopped among them, is closed.
  connectionTimeout: 60_000,
  forceCloseConnections: 'idle',
  // Fastify's own answer while stopping is not problem details, and what has arrived can still be served.
  return503OnClosing: false,
  http: {
    headersTimeout: 10_000,
    // Of a request that the gateway took with 16 KiB, and its signed identity, which says its target again.
    maxHeaderSize: 32_768,
    // How often the two time-outs are looked at; Node's default of 30 s would stretch them to 45.
    connectionsCheckingInterval: 2_000,
    // Node's own answer to a missing Host is not problem details; hostFault refuses it.
    requireHostHeader: false,
    // Whatever NODE_OPTIONS says: a lenient parser reads one request where another reads two.
    insecureHTTPParser: false,
  },
  exposeHeadRoutes: false,
  // A model id of 200 characters is up to 2,400 when percent-encoded.
  routerOptions: { maxParamLength: 2_500 },
} satisfies FastifyHttpOptions<Server>

/**
 * An HTTP server with everything that all services share: security headers, Host check, request ids,
 * strict JSON bodies, zod validation, problem details for every error, one log line and one measurement
 * a request, `/healthz` and `/readyz`. Register routes on it, then hand it to `serve`.
 */
export function createServer(options: ServerOptions) {
  const logger = createLogger(options.name, options.logLevel)
  const metrics = new Metrics(options.name)

  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'request_id',
    }),
    requestIdHeader: false,
    genReqId: (request) => requestId(request.headers['x-request-id']),
    childLoggerFactory: (parent, bindings, childOptions, request) =>
      parent.child({ ...bindings, ...traceFields(requestTrace(request)) }, childOptions),
    ...HTTP_SETTINGS,
    clientErrorHandler: (error, socket) => {
      const refusal = parserError(error)
      const { status, code } = refusal
      refuseOnSocket(socket, refusal, (id) => {
        metrics.refused(code)
        logger.info({ request_id: id, status, code }, 'refused')
      })
    },
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply)
      // No hook logs it.
      request.log.info({ method: request.method, status: reply.statusCode }, 'refused')
    },
    ...options.http,
  }).withTypeProvider<ZodTypeProvider>()

  app.decorateRequest('actor', 'anonymous')
  app.decorateRequest('isInFlight', false)
  app.decorate('metrics', metrics)
  app.setValidatorCompiler(
    ({ schema }) =>
      (data) =>
        validate(schema as z.ZodType, data),
  )
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply))
  app.setNotFoundHandler((request, reply) => answerError(new ApiError('not_found'), request, reply))
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/x-ndjson'],
    { parseAs: 'buffer' },
    // Fastify takes what this throws; with the callback there is no promise a request.
    (request: FastifyRequest, body: Buffer, done) =>
      done(null, parseBody(body, request.headers['content-type'], request.routeOptions.config)),
  )

  // A server in front has checked what is HTTP.
  const check = options.http ? () => null : requestFault
  if (!options.http) checkExpectations(app)
  closeTunnels(app, logger as FastifyBaseLogger, metrics)
  addHooks(app, { name: options.name, ...options.host }, metrics, check)
  limitLargeBodies(app)
  addProbes(app, options)
  return app
}

function addHooks(
  app: FastifyInstance,
  rules: HostRules,
  metrics: Metrics,
  check: typeof requestFault,
): void {
  // With callbacks: three promises a request are a few percent of an append.
  app.addHook('onRequest', (request, reply, done) => {
    // Never answered: its connection ends with the answer before.
    if (isInDoubt(request)) return
    metrics.inFlight++
    request.isInFlight = true
    // Fastify tells of no answer that was never sent as a whole.
    reply.raw.once('close', () => {
      if (request.isInFlight) endOf(request, reply, metrics, true)
    })
    reply.headers(SECURITY_HEADERS).header('x-request-id', request.id)
    const broken = check(request, reply)
    if (broken) return done(broken)
    const fault =
      hostFault(request.raw.rawHeaders, rules) ??
      crossSiteFault(request.headers, (host) => hostFault(['host', host], rules) === null) ??
      (request.method === 'POST' ? mediaTypeFault(request) : null)
    done(fault && !isProbe(request.raw.url) ? fault : undefined)
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    // A server that is stopping lets nobody wait on an idle connection.
    if (!app.server.listening) reply.header('connection', 'close')
    done(null, payload)
  })
  app.addHook('onResponse', (request, reply, done) => {
    if (!request.isInFlight) return done()
    endOf(request, reply, metrics, false)
    // The head of an answer that was under way when the stop began had promised to keep the connection.
    if (!app.server.listening) request.raw.socket.end()
    done()
  })
}

/** The one log line and the one measurement of a request, `isCut` where its caller left before the end of the answer. */
function endOf(
  request: FastifyRequest,
  reply: FastifyReply,
  metrics: Metrics,
  isCut: boolean,
): void {
  request.isInFlight = false
  metrics.inFlight--
  if (reply.hasHeader('idempotency-replayed')) metrics.replayed()
  const status = isCut && !reply.raw.headersSent ? CALLER_GONE : reply.statusCode
  const route = request.routeOptions.url ?? 'none'
  metrics.observe(request.method, route, status, reply.elapsedTime / 1000)
  const { method, actor } = request
  const path = request.raw.url?.split('?', 1)[0]?.slice(0, 300)
  const ms = Math.round(reply.elapsedTime * 100) / 100
  const level = logLevelOf(request.raw.url, status)
  const line = { method, path, status, ms, actor }
  request.log[level](isCut ? { ...line, cut: true } : line, 'request')
}

function mediaTypeFault(request: FastifyRequest): ApiError | null {
  const { 'content-type': type, 'content-encoding': encoding } = request.headers
  const fault = contentTypeFault(type, encoding)
  // `routeOptions` is made anew at every access: not where plain JSON came.
  return fault && request.routeOptions.config.ndjson
    ? contentTypeFault(type, encoding, true)
    : fault
}

function addProbes(app: FastifyInstance, { missing, notes }: ServerOptions): void {
  app.get('/healthz', async () => ({ ok: true }))
  app.get('/readyz', async () => {
    const absent = await missing()
    if (absent.length === 0) return { ok: true, ...notes?.() }
    throw new ApiError('not_ready', undefined, {
      errors: absent.map((path) => ({ path, message: 'is missing or not reachable' })),
    })
  })
}

function validate(schema: z.ZodType, data: unknown) {
  const result = schema.safeParse(data)
  if (result.success) return { value: result.data }
  const errors = result.error.issues.slice(0, 20).map((issue) => ({
    path: z.core.toDotPath(issue.path),
    message: messageOf(issue),
  }))
  return { error: new ApiError('invalid_request', undefined, { errors }) }
}

/** A caller's own names are repeated, but not all of two hundred thousand. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message
  const names = issue.keys.slice(0, 20).map((name) => JSON.stringify(name.slice(0, 100)))
  return `unknown: ${names.join(', ')}${issue.keys.length > 20 ? ', …' : ''}`
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Errors of Fastify and Node that are the client's doing. */
const FASTIFY_ERRORS: Record<string, ErrorCode> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  // Of the method QUERY, whatever the path.
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  FST_ERR_BAD_URL: 'invalid_target',
  FST_ERR_MAX_PARAM_LENGTH: 'target_too_long',
  // Of methods that Fastify does not know, before any hook: those of RTSP, which Node takes for HTTP.
  FST_ERR_NOT_FOUND: 'http_version_not_supported',
  // The caller went away in the middle of its body.
  ECONNRESET: 'malformed_request',
}

/** The one place where an error becomes an answer. What is not an ApiError stays inside, in the log. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(FASTIFY_ERRORS[codeOf(error)] ?? 'internal_error')
  request.server.metrics.refused(known.code)
  const inside = error instanceof ApiError ? error.cause : known.status === 500 ? error : undefined
  // A refusal behind it, such as of a service that is full, is no fault: floods must not fill the log with errors.
  const level = inside instanceof ApiError ? 'warn' : 'error'
  if (inside) request.log[level]({ err: inside, code: known.code }, 'request failed')
  reply
    .code(known.status)
    // Also where no hook has run.
    .headers(SECURITY_HEADERS)
    .header('x-request-id', request.id)
    .headers(known.headers)
    .type('application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(known.problem(request.id))
}
