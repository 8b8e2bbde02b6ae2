import assert from 'node:assert/strict'
import { request } from 'node:http'
import { json } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import type { Problem } from '@ai-governance/common/errors'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'

let database: TestDatabase
let stack: Stack
before(async () => {
  database = await createTestDatabase()
  stack = await startStack(database)
})
after(async () => {
  await stack.stop()
  await database.drop()
})

const JSON_TYPE = { 'content-type': 'application/json' }
const EVENT = JSON.stringify({ event_type: 'planted', subject: 'planted', decision: true })
const MODEL = JSON.stringify({ model_id: 'planted', version: '1', created_by: 'planted' })
const VALIDATE = JSON.stringify({ payload: {} })
const ports = [
  ['mcp-gateway', (all: Stack) => `${all.gateway.url}/mcp-audit/log`, EVENT],
  ['mcp-audit', (all: Stack) => `${all.audit.url}/log`, EVENT],
  ['mcp-lineage', (all: Stack) => `${all.lineage.url}/register`, MODEL],
  ['mcp-policy', (all: Stack) => `${all.policy.url}/validate`, VALIDATE],
] as const

/** `fetch` would not send the headers that belong to browsers. */
function post(url: string, headers: Record<string, string>, body: string) {
  return new Promise<[status: number | undefined, answer: unknown]>((resolve, reject) => {
    const call = request(url, { method: 'POST', headers }, (answer) => {
      json(answer).then((value) => resolve([answer.statusCode, value]), reject)
    })
    call.on('error', reject).end(body)
  })
}

const pages: [what: string, headers: Record<string, string>, status: number, code: string][] = [
  ['a page of another site', { origin: 'https://evil.example' }, 403, 'cross_site_request'],
  ['a page on another port', { origin: 'http://127.0.0.1:1' }, 403, 'cross_site_request'],
  ['a page without an origin', { origin: 'null' }, 403, 'cross_site_request'],
  ['a navigation', { 'sec-fetch-site': 'cross-site' }, 403, 'cross_site_request'],
  ['a form', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
  ['a name that resolves here', { host: 'evil.example' }, 421, 'misdirected_request'],
]

for (const [service, urlIn, body] of ports) {
  describe(`the port of ${service}`, () => {
    for (const [what, headers, status, code] of pages) {
      test(`refuses ${what} with ${status}`, async () => {
        const [answered, problem] = await post(urlIn(stack), { ...JSON_TYPE, ...headers }, body)
        assert.deepEqual([answered, (problem as Problem).code], [status, code])
      })
    }

    test('takes the same from a program, and from a page of its own', async () => {
      const url = urlIn(stack)
      const { origin } = new URL(url)
      assert.equal((await post(url, JSON_TYPE, body))[0], 200)
      const own = { ...JSON_TYPE, origin, 'sec-fetch-site': 'same-origin' }
      assert.equal((await post(url, own, body))[0], 200)
    })
  })
}
