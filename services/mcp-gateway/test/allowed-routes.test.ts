import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALLOWED_ROUTES, type AllowedRoute, OWN_ROUTES, RouteTable } from '../src/allowed-routes.ts'

function show(service: string, route: AllowedRoute): string {
  const query = Object.entries(route.query).map(([name, pattern]) => `${name}=${pattern.source}`)
  const body = route.body ? ` body ${route.body.bytes} bytes ${route.body.values} values` : ''
  return `${route.method} ${service}${route.path}${query.length ? ` ? ${query.join(' & ')}` : ''}${body}${route.streams ? ' streams' : ''}`
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
    'POST /api/v1/models/register body 8388608 bytes 200000 values',
    'POST /mcp-lineage/register body 8388608 bytes 200000 values',
    `GET /mcp-lineage/lineage ? model_id=^.+$ & version=^.+$ & at=^.+$ & ${page}`,
    `GET /mcp-lineage/lineage/{model_id} ? version=^.+$ & at=^.+$ & ${page}`,
    `GET /mcp-lineage/models ? ${page}`,
    `GET /mcp-lineage/verify ? from_id=${integer} & limit=${integer}`,
    'POST /mcp-policy/validate body 8388608 bytes 200000 values',
    'POST /mcp-policy/api/v1/policies/validate body 8388608 bytes 200000 values',
    'GET /mcp-policy/policies',
    'POST /mcp-audit/log body 1048576 bytes 10000 values',
    `GET /mcp-audit/events ? ${page} & offset=${integer} & after=${integer} & event_type=^.+$ & ` +
      'subject=^.+$ & actor=^.+$ & decision=^(?:true|false)$ & from=^.+$ & to=^.+$',
    'GET /mcp-audit/events/{id}',
    `GET /mcp-audit/export ? fmt=^(?:json|csv|ndjson)$ & from_id=${integer} & to_id=${integer} streams`,
    `GET /mcp-audit/verify ? from_id=${integer} & limit=${integer}`,
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
