import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { createClient } from '../../clients/typescript/src/index.ts'
import { ERROR_CODES } from '../../services/common/src/errors.ts'
import { openApiDocument, servedRoutes } from '../openapi/document.ts'
import { documentText, OPENAPI_FILE } from '../openapi/write.ts'
import { methodsOf } from '../test-support/methods.ts'

interface Operation {
  operationId: string
  responses: Record<string, { $ref?: string }>
  security: object[]
  'x-required-scope'?: string
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: Record<string, Record<string, { description?: string }>>
}

const document = openApiDocument() as unknown as Document
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    operation,
  })),
)
const ids = operations.map(({ operation }) => operation.operationId)

/** What a browser or a generator of clients fetches; a client has no use for it. */
const WITHOUT_METHOD = [
  'gateway.openapi',
  'gateway.docs',
  'gateway.docsScript',
  'gateway.docsStyle',
  'gateway.docsIcon',
]
/** Methods that send what another one sends, in pages or in one piece. */
const OTHER_METHODS: Record<string, string> = {
  'gateway.serviceReady': 'audit.ready',
  'lineage.revisions': 'lineage.revisionsPage',
  'lineage.models': 'lineage.modelsPage',
  'audit.events': 'audit.eventsPage',
  'audit.export': 'audit.exportBytes',
  'audit.holds': 'audit.holdsPage',
}

test('the file that the gateway serves is what the schemas and the table make of it', () => {
  const help = 'write it anew: node infra/bootstrap.js infra/openapi/write.ts'
  assert.ok(readFileSync(OPENAPI_FILE, 'utf8') === documentText(), help)
})

test('it is a valid document of OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(openApiDocument())
  assert.deepEqual([valid, errors], [true, undefined])
})

test('its operations are the allowed routes, and the allowed routes its operations', () => {
  const routes = servedRoutes().flatMap(([service, own]) =>
    own.map(({ method, path }) => `${method} ${service && `/${service}`}${path}`),
  )
  assert.deepEqual(operations.map(({ name }) => name).sort(), routes.sort())
})

test('its operations are the methods of the client, and the methods of the client its operations', () => {
  assert.equal(new Set(ids).size, ids.length)
  const client = createClient({ baseUrl: 'http://gateway.test' })
  const methods = Object.entries(client).flatMap(([service, api]) =>
    methodsOf(api).map((method) => `${service}.${method}`),
  )
  const named = methods.map((method) => OTHER_METHODS[method] ?? method)
  assert.deepEqual([...new Set([...named, ...WITHOUT_METHOD])].sort(), ids.sort())
})

/** Which operation a method of the Python client sends. */
const PYTHON: Record<string, string> = {
  services: 'gateway.directory',
  status: 'gateway.ready',
  register: 'lineage.register',
  lineage: 'lineage.revisionsPage',
  models: 'lineage.modelsPage',
  validate: 'policy.validate',
  policies: 'policy.policies',
  verify: 'audit.verify',
  verify_step: 'audit.verify',
  log: 'audit.log',
  log_batch: 'audit.logBatch',
  events: 'audit.eventsPage',
  iterate_events: 'audit.eventsPage',
  event: 'audit.event',
  export: 'audit.exportBytes',
  checkpoint: 'audit.checkpoint',
  checkpoint_key: 'audit.checkpointKey',
  inclusion_proof: 'audit.inclusionProof',
  consistency_proof: 'audit.consistencyProof',
  erase: 'audit.erase',
  retention: 'audit.retention',
  hold: 'audit.hold',
  release: 'audit.release',
  holds: 'audit.holdsPage',
  gate: 'gateway.gate',
  vsa: 'audit.vsa',
}

test('every method of the Python client sends an operation of the document', () => {
  const folder = join(import.meta.dirname, '../../clients/python/ai_governance')
  const methods = ['client.py', 'audit.py'].flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/^ {4}def ([a-z]\w*)\(/gm)].map(
      ([, name]) => name as string,
    ),
  )
  assert.ok(methods.length > 20)
  assert.deepEqual(
    methods.filter((name) => !ids.includes(PYTHON[name] ?? '')),
    [],
  )
})

test('every operation says which scope it needs, and none that is open does', () => {
  const routes = new Map(
    servedRoutes().flatMap(([service, own]) =>
      own.map((route) => [`${route.method} ${service && `/${service}`}${route.path}`, route]),
    ),
  )
  for (const { name, operation } of operations) {
    const access = routes.get(name)?.access
    const scope = access === 'open' || access === 'authenticated' ? undefined : access
    assert.equal(operation['x-required-scope'], scope, name)
    assert.equal(operation.security.length === 0, access === 'open', name)
    assert.equal('401' in operation.responses, access !== 'open', name)
  }
})

/** Codes that never answer a request for a path of the document with a method that it names. */
const ELSEWHERE = ['not_found', 'method_not_allowed']

test('every error code stands at some operation', () => {
  const described = Object.values(document.components.responses ?? {})
    .map(({ description }) => description)
    .join('\n')
  const missing = ERROR_CODES.filter((code) => !described.includes(`\`${code}\``))
  assert.deepEqual(
    missing.filter((code) => !ELSEWHERE.includes(code)),
    [],
  )
})
