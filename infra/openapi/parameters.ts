import { type AllowedRoute, PARAMETERS } from '../../services/mcp-gateway/src/allowed-routes.ts'
import { type JsonSchema, queryOf } from './components.ts'
import type { Operation } from './operation.ts'

const largest = Number.MAX_SAFE_INTEGER

/** What may stand for a name in a path, as one segment after decoding, docs/API.md. */
const PATH_SCHEMAS: Record<string, JsonSchema> = {
  id: { type: 'integer', minimum: 1, maximum: largest },
  digest: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' },
  // No `..` and not `.` alone; what would be another path when decoded is left out.
  model_id: {
    type: 'string',
    minLength: 1,
    maxLength: 200,
    pattern: pathText(String.raw`\u0000-\u001f\u007f/%;\\`),
  },
  L: { type: 'integer', minimum: 0, maximum: 63 },
  N: { type: 'string', pattern: '^[0-9]{3}$' },
}
const PATH_EXAMPLES: Record<string, unknown> = {
  id: 1,
  digest: `sha256:${'4'.repeat(64)}`,
  model_id: 'fraud-detector',
  L: 0,
  N: '000',
}
/** Text in a query: percent-encoded controls are refused with the target. */
const QUERY_TEXT = String.raw`^[^\u0000-\u001f\u007f]+$`

function pathText(refused: string): string {
  const plain = `[^.${refused}]`
  return String.raw`^\.?${plain}+(?:\.${plain}+)*\.?$`
}

/** The whole path as the gateway matches it, before anything is decoded. */
export function pathPattern(path: string): string {
  return `^${path.replace(/\{(\w+)\}/g, (_, name: string) => PARAMETERS[name] as string)}$`
}

/** The parameters of an operation, those of the path first. Throws where the service and the table disagree. */
export function parametersOf(operation: Operation, route: AllowedRoute): object[] {
  const examples = operation.parameters ?? {}
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
  const inQuery = operation.query ? queryOf(operation.query) : []
  assertSameNames(
    operation.id,
    inQuery.map(({ name }) => name),
    Object.keys(route.query),
  )
  return [
    ...inPath.map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: PATH_SCHEMAS[name],
      example: examples[name] ?? PATH_EXAMPLES[name],
    })),
    ...inQuery.map(({ name, schema, required }) => ({
      name,
      in: 'query',
      ...(required && { required }),
      schema: isText(schema) ? { ...schema, pattern: QUERY_TEXT } : schema,
      ...(name in examples && { example: examples[name] }),
    })),
    { $ref: '#/components/parameters/RequestId' },
    ...(route.keyed ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
  ]
}

function isText(schema: JsonSchema): boolean {
  return schema.type === 'string' && schema.enum === undefined
}

function assertSameNames(id: string, service: string[], table: string[]): void {
  if ([...service].sort().join() === [...table].sort().join()) return
  throw new Error(`${id}: the service takes the query names ${service}, the gateway ${table}`)
}

/** Headers that a request may have, for `components.parameters`. */
export const HEADER_PARAMETERS = {
  RequestId: {
    name: 'X-Request-ID',
    in: 'header',
    description:
      'Taken over if it is 1–64 characters of `A-Za-z0-9._-`, else replaced; it is in every log and in what the ' +
      'request writes.',
    schema: { type: 'string' },
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Asked again under the same key within 7 days, the same request changes nothing and is answered with what it ' +
      'made then; another one is 409 `idempotency_conflict`.',
    schema: { type: 'string', pattern: String.raw`^[\u0021-\u007e]{1,200}$` },
  },
}
