import type { Access } from '@ai-governance/common/callers/scopes'
import { DEFAULT_MAX_VALUES } from '@ai-governance/common/formats/strict-json'
import {
  AIBOM_BODY_LIMIT,
  AIBOM_MAX_VALUES,
  BATCH_BODY_LIMIT,
  BATCH_MAX_VALUES,
  type BodyRules,
  DEFAULT_BODY_LIMIT,
} from '@ai-governance/common/requests/json-body'

/** What a query value may look like as received, percent-encoding included. */
const INTEGER = /^(?:0|[1-9][0-9]{0,15})$/
const BOOLEAN = /^(?:true|false)$/
const FORMAT = /^(?:json|csv|ndjson)$/
/** Text and times: the service that knows what they mean checks them. */
const TEXT = /^.+$/

export interface TakenBody extends Required<BodyRules> {
  bytes: number
}

const SMALL: TakenBody = { bytes: DEFAULT_BODY_LIMIT, maxValues: DEFAULT_MAX_VALUES, ndjson: false }
const AIBOM: TakenBody = { bytes: AIBOM_BODY_LIMIT, maxValues: AIBOM_MAX_VALUES, ndjson: false }
const BATCH: TakenBody = { bytes: BATCH_BODY_LIMIT, maxValues: BATCH_MAX_VALUES, ndjson: true }

export interface AllowedRoute {
  method: 'GET' | 'POST'
  /** The path at the service; what may stand for a `{name}` is in `PARAMETERS`. */
  path: string
  query: Record<string, RegExp>
  /** The body that the route needs; null where it takes none. */
  body: TakenBody | null
  /** Changes something: a call that was lost on the way may have been carried out. */
  writes: boolean
  /** Takes an `Idempotency-Key`. */
  keyed: boolean
  /** Streams an answer of any size: exempt from the limits on size and total time. */
  streams: boolean
  /** What its caller must be allowed to do. */
  access: Access
}

function get(access: Access, path: string, query: Record<string, RegExp> = {}): AllowedRoute {
  const kind = { body: null, writes: false, keyed: false, streams: false }
  return { method: 'GET', path, query, access, ...kind }
}

function post(access: Access, path: string, body: TakenBody): AllowedRoute {
  const kind = { writes: true, keyed: false, streams: false }
  return { method: 'POST', path, query: {}, body, access, ...kind }
}

/** A change that is made once, however often it is sent under one key. */
function keyed(
  access: Access,
  path: string,
  body: TakenBody,
  query: Record<string, RegExp> = {},
): AllowedRoute {
  return { ...post(access, path, body), query, keyed: true }
}

/** A question that is too long for a query. */
function judge(path: string): AllowedRoute {
  return { ...post('policy:evaluate', path, AIBOM), writes: false }
}

const PAGE = { limit: INTEGER, before: INTEGER }
const EVENT_FILTER = {
  event_type: TEXT,
  subject: TEXT,
  actor: TEXT,
  decision: BOOLEAN,
  from: TEXT,
  to: TEXT,
}

/** The gateway has these two for everybody. What a service lacks is nothing for strangers. */
const PROBES = [get('open', '/healthz'), get('open', '/readyz')]
export const SERVICE_PROBES = [get('open', '/healthz'), get('authenticated', '/readyz')]

/** Everything that can be reached through the gateway. What is not in this table is not served. */
export const ALLOWED_ROUTES: Record<string, AllowedRoute[]> = {
  'mcp-lineage': [
    keyed('lineage:write', '/register', AIBOM),
    get('lineage:read', '/lineage', { model_id: TEXT, version: TEXT, at: TEXT, ...PAGE }),
    get('lineage:read', '/lineage/{model_id}', { version: TEXT, at: TEXT, ...PAGE }),
    get('lineage:read', '/models', PAGE),
    get('lineage:read', '/verify', { from_id: INTEGER, limit: INTEGER }),
  ],
  'mcp-policy': [
    judge('/validate'),
    judge('/api/v1/policies/validate'),
    judge('/aibom/verify'),
    get('policy:evaluate', '/policies'),
    get('policy:evaluate', '/policies/{digest}'),
    get('policy:evaluate', '/schema/policy.v1.json'),
  ],
  'mcp-audit': [
    keyed('audit:append', '/log', SMALL, { proof: BOOLEAN }),
    keyed('audit:append', '/log/batch', BATCH),
    get('audit:read', '/events', { ...PAGE, offset: INTEGER, after: INTEGER, ...EVENT_FILTER }),
    get('audit:read', '/events/{id}'),
    get('audit:read', '/events/{id}/vsa'),
    {
      ...get('audit:export', '/export', {
        fmt: FORMAT,
        from_id: INTEGER,
        to_id: INTEGER,
        witnessed: BOOLEAN,
      }),
      streams: true,
    },
    get('audit:read', '/verify', { from_id: INTEGER, limit: INTEGER }),
    get('audit:read', '/checkpoint', { witnessed: BOOLEAN }),
    get('audit:read', '/checkpoint/key'),
    get('audit:read', '/proof/inclusion', { id: INTEGER, size: INTEGER }),
    get('audit:read', '/proof/consistency', { from: INTEGER, to: INTEGER }),
    get('audit:read', '/tile/{L}/{N}'),
    get('audit:read', '/tile/entries/{N}'),
    post('audit:erase', '/events/{id}/erase', SMALL),
    post('audit:erase', '/holds', SMALL),
    get('audit:read', '/holds', PAGE),
    post('audit:erase', '/holds/{id}/release', SMALL),
    post('audit:erase', '/retention', SMALL),
  ],
}

/** What the gateway answers itself. Exact paths, looked up before there is talk of a service. */
export const OWN_ROUTES: AllowedRoute[] = [
  ...PROBES,
  get('authenticated', '/mcp'),
  get('open', '/openapi.json'),
  get('open', '/docs'),
  get('open', '/docs/app.js'),
  get('open', '/docs/app.css'),
  get('open', '/docs/icon.svg'),
  keyed('lineage:write', '/api/v1/models/register', AIBOM),
  keyed('policy:evaluate', '/api/v1/gate', AIBOM, { proof: BOOLEAN }),
]

/** The routes of one path, by method. */
export type RoutesAtPath = ReadonlyMap<string, AllowedRoute>

interface ServiceRoutes {
  fixed: Map<string, Map<string, AllowedRoute>>
  patterns: { pattern: RegExp; methods: Map<string, AllowedRoute> }[]
}

/** The table in the form in which a request is looked up. */
export class RouteTable {
  readonly #own = compile(OWN_ROUTES).fixed
  readonly #services = new Map<string, ServiceRoutes>()

  /** `services` are those of the directory: what nobody runs cannot be reached, whatever is allowed. */
  constructor(services: Iterable<string>) {
    for (const service of services) {
      const listed = Object.hasOwn(ALLOWED_ROUTES, service) ? ALLOWED_ROUTES[service] : undefined
      this.#services.set(service, compile([...SERVICE_PROBES, ...(listed ?? [])]))
    }
  }

  /** What the gateway itself serves under a path; undefined where it is not one of its own. */
  own(path: string): RoutesAtPath | undefined {
    return this.#own.get(path)
  }

  /** What is served under a path at a service; undefined where nothing is. */
  at(service: string, path: string): RoutesAtPath | undefined {
    const routes = this.#services.get(service)
    return (
      routes?.fixed.get(path) ?? routes?.patterns.find(({ pattern }) => pattern.test(path))?.methods
    )
  }
}

function compile(routes: AllowedRoute[]): ServiceRoutes {
  const byPath = new Map<string, Map<string, AllowedRoute>>()
  for (const route of routes) {
    const methods = byPath.get(route.path) ?? new Map<string, AllowedRoute>()
    byPath.set(route.path, methods.set(route.method, route))
  }
  const isPattern = (path: string): boolean => path.includes('{')
  return {
    fixed: new Map([...byPath].filter(([path]) => !isPattern(path))),
    patterns: [...byPath]
      .filter(([path]) => isPattern(path))
      .map(([path, methods]) => ({ pattern: anchored(path), methods })),
  }
}

/**
 * What may stand for a name in braces. `L` and `N` are those of https://c2sp.org/tlog-tiles: a level up to
 * 63, and an index in groups of three digits, all but the last behind an `x`, the first not `x000`, with the
 * width where a tile is partial. Five groups number more tiles than a log of 2^53 entries has.
 */
export const PARAMETERS: Record<string, string> = {
  id: '(?:0|[1-9][0-9]{0,15})',
  model_id: '[^/]+',
  // Generators of clients encode the colon.
  digest: 'sha256(?::|%3[Aa])[0-9a-f]{64}',
  L: '(?:[1-5]?[0-9]|6[0-3])',
  N:
    '(?:x(?!000)[0-9]{3}/(?:x[0-9]{3}/){0,3})?[0-9]{3}' +
    String.raw`(?:\.p/(?:[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?`,
}

function anchored(path: string): RegExp {
  return new RegExp(`^${path.replace(/\{(\w+)\}/g, (_, name) => PARAMETERS[name] as string)}$`)
}
