import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALLOWED_ROUTES, type AllowedRoute, OWN_ROUTES, RouteTable } from '../src/allowed-routes.ts'

function show(service: string, route: AllowedRoute): string {
  const query = Object.entries(route.query).map(([name, pattern]) => `${name}=${pattern.source}`)
  const search = query.length ? ` ? ${query.join(' & ')}` : ''
  const { body, ...rest } = route
  const takes = body ? ` body ${body.bytes} bytes ${body.maxValues} values` : ''
  const marks = Object.entries({ ndjson: body?.ndjson, ...rest })
    .filter(([, value]) => value === true)
    .map(([name]) => ` ${name}`)
  return `${route.method} ${service}${route.path}${search}${takes}${marks.join('')}`
}

test('what can be reached through the gateway is exactly this', () => {
  const table = Object.entries({ '': OWN_ROUTES, ...ALLOWED_ROUTES }).flatMap(([service, routes]) =>
    routes.map((route) => show(service && `/${service}`, route)),
  )
  const integer = '^(?:0|[1-9][0-9]{0,15})$'
  const page = `limit=${integer} & before=${integer}`
  assert.deepEqual(table, [
    'GET /healthz',
    'GET /readyz',
    'GET /mcp',
    'GET /openapi.json',
    'GET /docs',
    'GET /docs/app.js',
    'GET /docs/app.css',
    'GET /docs/icon.svg',
    'POST /api/v1/models/register body 8388608 bytes 200000 values writes keyed',
    'POST /api/v1/gate ? proof=^(?:true|false)$ body 8388608 bytes 200000 values writes keyed',
    'POST /mcp-lineage/register body 8388608 bytes 200000 values writes keyed',
    `GET /mcp-lineage/lineage ? model_id=^.+$ & version=^.+$ & at=^.+$ & ${page}`,
    `GET /mcp-lineage/lineage/{model_id} ? version=^.+$ & at=^.+$ & ${page}`,
    `GET /mcp-lineage/models ? ${page}`,
    `GET /mcp-lineage/verify ? from_id=${integer} & limit=${integer}`,
    'POST /mcp-policy/validate body 8388608 bytes 200000 values',
    'POST /mcp-policy/api/v1/policies/validate body 8388608 bytes 200000 values',
    'POST /mcp-policy/aibom/verify body 8388608 bytes 200000 values',
    'GET /mcp-policy/policies',
    'GET /mcp-policy/policies/{digest}',
    'GET /mcp-policy/schema/policy.v1.json',
    'POST /mcp-audit/log ? proof=^(?:true|false)$ body 1048576 bytes 10000 values writes keyed',
    'POST /mcp-audit/log/batch body 16777216 bytes 400000 values ndjson writes keyed',
    `GET /mcp-audit/events ? ${page} & offset=${integer} & after=${integer} & event_type=^.+$ & ` +
      'subject=^.+$ & actor=^.+$ & decision=^(?:true|false)$ & from=^.+$ & to=^.+$',
    'GET /mcp-audit/events/{id}',
    'GET /mcp-audit/events/{id}/vsa',
    `GET /mcp-audit/export ? fmt=^(?:json|csv|ndjson)$ & from_id=${integer} & to_id=${integer} & ` +
      'witnessed=^(?:true|false)$ streams',
    `GET /mcp-audit/verify ? from_id=${integer} & limit=${integer}`,
    'GET /mcp-audit/checkpoint ? witnessed=^(?:true|false)$',
    'GET /mcp-audit/checkpoint/key',
    `GET /mcp-audit/proof/inclusion ? id=${integer} & size=${integer}`,
    `GET /mcp-audit/proof/consistency ? from=${integer} & to=${integer}`,
    'GET /mcp-audit/tile/{L}/{N}',
    'GET /mcp-audit/tile/entries/{N}',
    'POST /mcp-audit/events/{id}/erase body 1048576 bytes 10000 values writes',
    'POST /mcp-audit/holds body 1048576 bytes 10000 values writes',
    `GET /mcp-audit/holds ? ${page}`,
    'POST /mcp-audit/holds/{id}/release body 1048576 bytes 10000 values writes',
    'POST /mcp-audit/retention body 1048576 bytes 10000 values writes',
  ])
})

test('probes of every service are reachable, and nothing else of one that is not in the table', () => {
  const table = new RouteTable(['extra', 'constructor'])
  for (const service of ['extra', 'constructor']) {
    for (const path of ['/healthz', '/readyz']) {
      assert.deepEqual([...(table.at(service, path)?.keys() ?? [])], ['GET'])
    }
    assert.equal(table.at(service, '/metrics'), undefined)
  }
})

test('a service that is not in the directory has no route', () => {
  const table = new RouteTable(['mcp-audit'])
  assert.equal(table.at('mcp-policy', '/policies'), undefined)
  assert.ok(table.at('mcp-audit', '/events'))
})

test('a digest may travel with its colon encoded, as generators of clients send it', () => {
  const table = new RouteTable(['mcp-policy'])
  const digest = '4'.repeat(64)
  for (const colon of [':', '%3A', '%3a']) {
    assert.ok(table.at('mcp-policy', `/policies/sha256${colon}${digest}`))
  }
  for (const colon of ['', '%3', '%253A', '::']) {
    assert.equal(table.at('mcp-policy', `/policies/sha256${colon}${digest}`), undefined)
  }
})
