import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { ApiError } from '@ai-governance/common/errors'
import { isProbe } from '@ai-governance/common/http/probes'
import { crossSiteFault } from '@ai-governance/common/requests/cross-site'
import { type HostRules, hostFault } from '@ai-governance/common/requests/host-check'
import { checkIdempotencyKey } from '@ai-governance/common/requests/idempotency-key'
import { contentTypeFault, parseBody } from '@ai-governance/common/requests/json-body'
import { type BodyRoom, SMALL_BODY } from '../admission/body-room.ts'
import { BodyTurns } from '../admission/body-turns.ts'
import type { Places } from '../admission/places.ts'
import type { AllowedRoute, RoutesAtPath, RouteTable, TakenBody } from '../allowed-routes.ts'
import type { Caller } from '../auth/caller.ts'
import type { Guard } from '../auth/guard.ts'
import { SERVICE_NAME } from '../directory.ts'
import type { Limits } from '../limits.ts'
import type { Lane } from '../upstreams/lane.ts'
import { forward } from '../upstreams/proxy.ts'
import { laneOf, type Upstream, type Upstreams } from '../upstreams/upstreams.ts'
import { type Bodies, type CheckedBody, readBody } from './body.ts'
import { forwardedHeaders } from './headers.ts'
import { announcesBody, type RequestHead, readHead } from './request-head.ts'
import { MAX_TARGET, parseTarget, type Target } from './target.ts'
import { type Counter, Visit } from './visit.ts'

const SERVICE_PATH = /^\/([^/]+)(\/.+)$/

export interface FrontOptions {
  rules: HostRules
  table: RouteTable
  upstreams: Upstreams
  limits: Limits
  room: BodyRoom
  ownPlaces: Places
  bodies: Bodies
  callers: Callers
  guard: Guard
  counter: Counter
}

/** Who makes a request to the gateway's own routes, for the router behind the front. */
export type Callers = WeakMap<IncomingMessage, Caller>

/** What a target leads to. */
interface Place {
  /** What is served there; undefined where nothing is, which `fault` says. */
  routes: RoutesAtPath | undefined
  fault: 'not_found' | 'unknown_service' | 'path_not_allowed'
  /** The path at a service; null for the gateway's own. */
  at: { upstream: Upstream; path: string } | null
}

/**
 * What stands before everything: it sees each request as it was received and either refuses it, hands it
 * to the gateway's own routes, or sends it on to a service. Proxied requests never meet a router that
 * decodes. The order of the checks is the order in which docs/API.md promises the answers.
 */
export class Front {
  readonly #options: FrontOptions
  readonly #turns = new BodyTurns()

  constructor(options: FrontOptions) {
    this.#options = options
  }

  /** `own` is Fastify, for the gateway's own routes. */
  handle(request: IncomingMessage, response: ServerResponse, own: RequestListener): void {
    const visit = new Visit(request, response, readHead(request), this.#options.counter)
    try {
      const target = this.#accept(request, visit.head)
      const place = this.#placeOf(target)
      const caller = this.#options.guard.identify(visit, isOpen(place.routes))
      if (caller instanceof Promise) void this.#whenKnown(visit, caller, target, place, own)
      else this.#serve(visit, caller, target, place, own)
    } catch (error) {
      visit.refuse(asApiError(error))
    }
  }

  async #whenKnown(
    visit: Visit,
    caller: Promise<Caller>,
    ...rest: [Target, Place, RequestListener]
  ): Promise<void> {
    try {
      const known = await caller
      // Nobody would say of a request that is over that its body ends.
      if (visit.response.closed) visit.begin()
      else this.#serve(visit, known, ...rest)
    } catch (error) {
      visit.refuse(asApiError(error))
    }
  }

  #serve(
    visit: Visit,
    caller: Caller | null,
    target: Target,
    { routes, fault, at }: Place,
    own: RequestListener,
  ): void {
    const { request, response } = visit
    if (caller) visit.caller = caller
    if (at) visit.service = at.upstream.name
    if (!routes) throw new ApiError(fault)
    const route = checkedRoute(routes, visit, target)
    if (at) {
      visit.route = `/${at.upstream.name}${route.path}`
      visit.begin()
    } else if (!this.#options.counter.server.listening) throw new ApiError('stopping')
    const authorize = () => this.#options.guard.authorize(visit, caller, route.access)
    const go = (body: CheckedBody | null) => {
      authorize()
      if (at) {
        const call = { ...at, route, target: at.path + target.search, body: body?.bytes ?? null }
        const headersFor = () => forwardedHeaders(visit, call)
        forward(visit, { ...call, headersFor }, this.#options.limits)
        return
      }
      if (body) this.#options.bodies.set(request, body)
      if (caller) this.#options.callers.set(request, caller)
      own(request, response)
    }
    if (!route.body) {
      go(null)
      return
    }
    const { chunked, contentLength } = visit.head
    const lane = at ? laneOf(at.upstream, route) : null
    if (chunked || contentLength > SMALL_BODY) authorize()
    // Under overload, reading and parsing are spared for those who find a place.
    if ((lane ?? this.#options.ownPlaces).isFullFor(visit.flow, contentLength)) {
      throw new ApiError('overloaded')
    }
    void this.#withBody(visit, route.body, lane, go)
  }

  /** Everything that does not depend on the route: HTTP, host, target, origin of the request. */
  #accept(request: IncomingMessage, head: RequestHead): Target {
    if (head.fault) throw new ApiError(head.fault)
    const raw = request.url ?? ''
    const { rules } = this.#options
    if (!isProbe(raw)) {
      const fault = hostFault(request.rawHeaders, rules)
      if (fault) throw fault
    }
    if (raw.length > MAX_TARGET) throw new ApiError('target_too_long')
    const target = parseTarget(raw)
    if (!target) throw new ApiError('invalid_target')
    const fault = crossSiteFault(head, (host) => hostFault(['host', host], rules) === null)
    if (fault) throw fault
    return target
  }

  /** Where a target leads, whoever asks and by whatever method. */
  #placeOf({ path: whole }: Target): Place {
    const { table, upstreams } = this.#options
    const own = table.own(whole)
    if (own) return { routes: own, fault: 'not_found', at: null }
    const match = SERVICE_PATH.exec(whole)
    if (!match) return { routes: undefined, fault: 'not_found', at: null }
    const [, service, path] = match as unknown as [string, string, string]
    if (!SERVICE_NAME.test(service)) throw new ApiError('invalid_target')
    const upstream = upstreams.get(service)
    if (!upstream) return { routes: undefined, fault: 'unknown_service', at: null }
    return { routes: table.at(service, path), fault: 'path_not_allowed', at: { upstream, path } }
  }

  /**
   * Reads a body, and hands on the bytes once they are checked, so that no service ever sees what two readers
   * could read differently; what is sent on are these bytes, not a new rendering of them. Room is for bodies of
   * those alone who may send them: anybody with credentials could take all of it.
   */
  async #withBody(
    visit: Visit,
    taken: TakenBody,
    lane: Lane | null,
    next: (body: CheckedBody) => void,
  ): Promise<void> {
    const { request, response, head } = visit
    const { room } = this.#options
    try {
      if (!room.admits(visit.flow, head.contentLength)) throw new ApiError('overloaded')
      if (head.expectsContinue) response.writeContinue()
      const bytes = await readBody(request, taken.bytes, room, visit.flow)
      room.giveAfter(response, visit.flow, bytes)
      if (!lane) await this.#takeOwnPlace(visit, bytes.length)
      if (this.#turns.concerns(bytes.length)) await this.#turns.next(visit.flow)
      // Nobody waits for it any more.
      if (response.closed) return visit.begin()
      if (lane?.isFullFor(visit.flow, bytes.length)) throw new ApiError('overloaded')
      next({ bytes, value: parseBody(bytes, head.contentType, taken) })
    } catch (error) {
      visit.refuse(asApiError(error))
    }
  }

  /** A place for as long as a route of the gateway's own is at work. */
  async #takeOwnPlace({ flow, response }: Visit, bytes: number): Promise<void> {
    const { ownPlaces } = this.#options
    await ownPlaces.take(flow, bytes)
    const leave = () => ownPlaces.leave(flow, bytes)
    if (response.closed) leave()
    else response.once('close', leave)
  }
}

/** Whether anybody may have what is there. */
function isOpen(routes: RoutesAtPath | undefined): boolean {
  if (!routes) return false
  for (const { access } of routes.values()) if (access !== 'open') return false
  return true
}

/** The route for a method, if the request is what that route takes, as far as its head tells. */
function checkedRoute(routes: RoutesAtPath, visit: Visit, target: Target): AllowedRoute {
  const { head, request } = visit
  const route = routes.get(request.method ?? '')
  if (!route) {
    const allow = [...routes.keys()].join(', ')
    throw new ApiError('method_not_allowed', undefined, { headers: { allow } })
  }
  checkQuery(route, target)
  if (route.keyed && head.idempotencyKey !== undefined) checkIdempotencyKey(head.idempotencyKey)
  if (!route.body) {
    if (announcesBody(head)) throw new ApiError('body_not_allowed')
    return route
  }
  const fault = contentTypeFault(head.contentType, head.contentEncoding, route.body.ndjson)
  if (fault) throw fault
  if (head.contentLength > route.body.bytes) throw new ApiError('body_too_large')
  return route
}

function checkQuery(route: AllowedRoute, { query }: Target): void {
  const known = (name: string): boolean => Object.hasOwn(route.query, name)
  const unknown = query.filter(([name]) => !known(name)).map(([name]) => name)
  if (unknown.length > 0) {
    throw new ApiError('invalid_request', undefined, {
      errors: unknown.slice(0, 20).map((name) => ({
        path: name.slice(0, 100),
        message: 'is not a query name of this path',
      })),
    })
  }
  const wrong = query.filter(([name, value]) => !(route.query[name] as RegExp).test(value))
  if (wrong.length === 0) return
  throw new ApiError('invalid_request', undefined, {
    errors: wrong.map(([path]) => ({ path, message: 'has a value that this path does not take' })),
  })
}

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError
    ? error
    : new ApiError('internal_error', undefined, { cause: error })
}
