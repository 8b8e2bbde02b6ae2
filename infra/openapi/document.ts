import {
  ALLOWED_ROUTES,
  type AllowedRoute,
  OWN_ROUTES,
  SERVICE_PROBES,
} from '../../services/mcp-gateway/src/allowed-routes.ts'
import { components } from './components.ts'
import type { Operation, Operations } from './operation.ts'
import { AUDIT } from './operations/audit.ts'
import { AUDIT_ERASURE } from './operations/audit-erasure.ts'
import { AUDIT_TREE } from './operations/audit-tree.ts'
import { GATEWAY } from './operations/gateway.ts'
import { LINEAGE } from './operations/lineage.ts'
import { POLICY } from './operations/policy.ts'
import { HEADER_PARAMETERS, parametersOf, pathPattern } from './parameters.ts'
import { ErrorResponses, HEADERS, responsesOf } from './responses.ts'

const DESCRIPTION = `Lineage, policy decisions and a hash-chained audit log for AI models, behind one gateway.

**A target has one form**: the path is matched as it comes, before anything is decoded (\`x-path-pattern\`). \`//\`, \`..\`, \`;\`
and a percent-encoded \`.\`, \`/\`, \`\\\`, \`%\`, \`;\` or control character are 400 \`invalid_target\`. Unknown and repeated query
names are 400, and so are unknown members of a body.

**Bodies** are \`application/json\` in UTF-8, not compressed, within \`x-max-body-bytes\` and \`x-max-body-values\`.

**Credentials** travel as \`Authorization: Bearer …\`: an API key or an access token, as the gateway is set up; on loopback it may be
set up to ask for none. \`x-required-scope\` is what they must allow.

**Errors** are \`application/problem+json\`. Match on \`code\`.`

/** What is known of each service's operations beside the table; the gateway's own under the empty name. */
const OPERATIONS: Record<string, Operations> = {
  '': GATEWAY,
  'mcp-lineage': LINEAGE,
  'mcp-policy': POLICY,
  'mcp-audit': { ...AUDIT, ...AUDIT_TREE, ...AUDIT_ERASURE },
}
const TAGS = [
  { name: 'gateway', description: 'What the gateway answers itself.' },
  { name: 'mcp-lineage', description: 'Which models there are and what they are made of.' },
  { name: 'mcp-policy', description: 'May it be released?' },
  { name: 'mcp-audit', description: 'The log: append, read, prove, erase.' },
]

/** The OpenAPI 3.1 document. Throws where the table of allowed routes and the operations disagree. */
export function openApiDocument(): Record<string, unknown> {
  const errors = new ErrorResponses()
  const paths: Record<string, Record<string, object>> = {}
  for (const [service, routes] of servedRoutes()) {
    const known = OPERATIONS[service] ?? {}
    const names = routes.map(({ method, path }) => `${method} ${path}`)
    const unserved = Object.keys(known).filter((name) => !names.includes(name))
    if (unserved.length > 0) throw new Error(`the gateway does not serve ${service} ${unserved}`)
    for (const [index, route] of routes.entries()) {
      const operation = known[names[index] as string]
      if (!operation) throw new Error(`infra/openapi/operations lacks ${service} ${names[index]}`)
      const path = service === '' ? route.path : `/${service}${route.path}`
      paths[path] ??= {}
      paths[path][route.method.toLowerCase()] = operationObject(operation, route, service, errors)
    }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'AI Governance Control Plane',
      version: '1.0.0',
      description: DESCRIPTION,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The gateway that serves this document' }],
    tags: TAGS,
    paths,
    components: {
      schemas: components(),
      parameters: HEADER_PARAMETERS,
      headers: HEADERS,
      responses: errors.all,
      securitySchemes: SECURITY_SCHEMES,
    },
  }
}

/** Everything that can be reached, probes of the services included. */
export function servedRoutes(): [service: string, routes: AllowedRoute[]][] {
  const proxied = Object.entries(ALLOWED_ROUTES)
  return [
    ['', OWN_ROUTES],
    ...proxied.map(([service, routes]): [string, AllowedRoute[]] => [
      service,
      [...SERVICE_PROBES, ...routes],
    ]),
  ]
}

const SECURITY_SCHEMES = {
  key: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'mcp_<id>_<secret>',
    description: 'An API key as `aigov keys create` makes it (`AUTH_MODE=keys`).',
  },
  token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token of the configured issuer (`AUTH_MODE=oidc`).',
  },
}

/** Under `AUTH_MODE=none`, on loopback alone, everything is allowed without credentials: hence the `{}`. */
function securityOf({ access }: AllowedRoute): object[] {
  if (access === 'open') return []
  const scopes = access === 'authenticated' ? [] : [access]
  return [{ key: scopes }, { token: scopes }, {}]
}

function operationObject(
  operation: Operation,
  route: AllowedRoute,
  service: string,
  errors: ErrorResponses,
): object {
  const { id, summary, description, request } = operation
  const path = service === '' ? route.path : `/${service}${route.path}`
  const { access, body } = route
  return {
    operationId: id,
    summary,
    ...(description && { description }),
    tags: [service || 'gateway'],
    parameters: parametersOf(operation, route),
    ...(request && { requestBody: { required: true, content: request } }),
    responses: responsesOf(operation, route, service !== '', errors),
    security: securityOf(route),
    ...(access !== 'open' && access !== 'authenticated' && { 'x-required-scope': access }),
    ...(body && { 'x-max-body-bytes': body.bytes, 'x-max-body-values': body.maxValues }),
    ...(route.path.includes('{') && { 'x-path-pattern': pathPattern(path) }),
  }
}
