import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { openApiDocument } from '../openapi/document.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

interface Parameter {
  $ref?: string
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  example?: unknown
}
interface Operation {
  operationId: string
  parameters: Parameter[]
  requestBody?: { content: Record<string, { example?: unknown }> }
  responses: Record<
    string,
    { $ref?: string; headers?: Record<string, { $ref: string }>; content?: object }
  >
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: {
    responses: Record<string, Operation['responses'][string]>
    headers: Record<string, { required?: boolean }>
  }
}

const document = openApiDocument() as unknown as Document
const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema({ $id: 'http://gateway.test/openapi.json', ...document })

/** Examples of what a new log does not have. */
const NOT_THERE = ['policy.activatedPolicies', 'audit.vsa']

let database: TestDatabase
let stack: Stack
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database)
  // Entry 1, which the examples name, and a full tile.
  const event = { event_type: 'example', subject: 'example', decision: true }
  await post('/mcp-audit/log/batch', { events: Array(256).fill(event) })
})
after(async () => {
  await stack.stop()
  await database.drop()
})

async function post(path: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(stack.gateway.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** The request that the examples of an operation make. */
function exampleOf(method: string, path: string, operation: Operation): Promise<Response> {
  let filled = path
  const query = new URLSearchParams()
  for (const { name, in: place, example, required } of operation.parameters) {
    if (place === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(String(example)))
    else if (place === 'query' && example !== undefined) query.set(name, String(example))
    else assert.ok(!required, `${operation.operationId} has no example of ${name}`)
  }
  if (method === 'post') {
    return post(filled, operation.requestBody?.content['application/json']?.example)
  }
  return fetch(`${stack.gateway.url}${filled}${query.size > 0 ? `?${query}` : ''}`)
}

/** Escapes a name for a JSON pointer in a URI. */
const pointer = (...names: string[]) =>
  names
    .map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/')

async function assertFits(
  answer: Response,
  place: string,
  response: Operation['responses'][string],
) {
  for (const [name, { $ref }] of Object.entries(response.headers ?? {})) {
    const { required } = document.components.headers[$ref.split('/').at(-1) as string] ?? {}
    assert.ok(!required || answer.headers.has(name), `${place} lacks ${name}`)
  }
  const type = (answer.headers.get('content-type') ?? '').split(';')[0] as string
  assert.ok(type in (response.content ?? {}), `${place} says nothing of ${type}`)
  const text = await answer.text()
  const validate = ajv.compile({
    $ref: `http://gateway.test/openapi.json#/${place}/content/${pointer(type)}/schema`,
  })
  assert.ok(validate(readAs(text, type)), `${place}: ${JSON.stringify(validate.errors)}`)
}

function readAs(text: string, type: string): unknown {
  if (type.endsWith('json') && type !== 'application/x-ndjson') return JSON.parse(text)
  if (type !== 'application/x-ndjson') return text
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

for (const [path, methods] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    test(`the example of ${operation.operationId} runs, and its answer is as described`, async () => {
      const answer = await exampleOf(method, path, operation)
      const expected = NOT_THERE.includes(operation.operationId) ? 404 : 200
      assert.equal(answer.status, expected, await answer.clone().text())
      const described = operation.responses[expected]
      assert.ok(described)
      const name = described.$ref?.split('/').at(-1)
      if (name === undefined) {
        const place = `paths/${pointer(path)}/${method}/responses/${expected}`
        await assertFits(answer, place, described)
        return
      }
      const shared = document.components.responses[name]
      assert.ok(shared)
      await assertFits(answer, `components/responses/${name}`, shared)
    })
  }
}
