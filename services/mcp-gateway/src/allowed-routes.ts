import {
  AIBOM_BODY_LIMIT,
  AIBOM_MAX_VALUES,
  DEFAULT_BODY_LIMIT,
} from '@ai-governance/common/json-body'
import { DEFAULT_MAX_VALUES } from '@ai-governance/common/strict-json'

/** What a query value may look like as received, percent-encoding included. */
const INTEGER = /^(?:0|[1-9][0-9]{0,15})$/
const BOOLEAN = /^(?:true|false)$/
const FORMAT = /^(?:json|csv|ndjson)$/
/** Text and times: the service that knows what they mean checks them. */
const TEXT = /^.+$/

export interface BodyLimits {
  bytes: number
  values: number
}

const SMALL: BodyLimits = { bytes: DEFAULT_BODY_LIMIT, values: DEFAULT_MAX_VALUES }
const AIBOM: BodyLimits = { bytes: AIBOM_BODY_LIMIT, values: AIBOM_MAX_VALUES }

export interface AllowedRoute {
  method: 'GET' | 'POST'
  /** The path at the service. `{id}` stands for a decimal integer, `{model_id}` for any one segment. */
  path: string
  query: Record<string, RegExp>
  /** Limits of the JSON body that the route needs; null where it takes none. */
  body: BodyLimits | null
  /** Streams an answer of any size: exempt from the limits on size and total time. */
  streams: boolean
}

function get(path: string, query: Record<string, RegExp> = {}): AllowedRoute {
  return { method: 'GET', path, query, body: null, streams: false }
}

function post(path: string, body: BodyLimits): AllowedRoute {
  return { method: 'POST', path, query: {}, body, streams: false }
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

/** The gateway has these two, and so has every service. */
const PROBES = [get('/healthz'), get('/readyz')]

/** Everything that can be reached through the gateway. What is not in this table is not served. */
export const ALLOWED_ROUTES: Record<string, AllowedRoute[]> = {
  'mcp-lineage': [
    post('/register', AIBOM),
    get('/lineage', { model_id: TEXT, version: TEXT, at: TEXT, ...PAGE }),
    get('/lineage/{model_id}', { version: TEXT, at: TEXT, ...PAGE }),
    get('/models', PAGE),
    get('/verify', { from_id: INTEGER, limit: INTEGER }),
  ],
  'mcp-policy': [
    post('/validate', AIBOM),
    post('/api/v1/policies/validate', AIBOM),
    get('/policies'),
  ],
  'mcp-audit': [
    post('/log', SMALL),
    get('/events', { ...PAGE, offset: INTEGER, after: INTEGER, ...EVENT_FILTER }),
    get('/events/{id}'),
    { ...get('/export', { fmt: FORMAT, from_id: INTEGER, to_id: INTEGER }), streams: true },
    get('/verify', { from_id: INTEGER, limit: INTEGER }),
  ],
}

/** What the gateway answers itself. Exact paths, looked up before there is talk of a service. */
export const OWN_ROUTES: AllowedRoute[] = [
  ...PROBES,
  get('/mcp'),
  post('/api/v1/models/register', AIBOM),
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
      this.#services.set(service, compile([...PROBES, ...(listed ?? [])]))
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

function anchored(path: string): RegExp {
  const source = path.replace('{id}', '(?:0|[1-9][0-9]{0,15})').replace('{model_id}', '[^/]+')
  return new RegExp(`^${source}$`)
}
