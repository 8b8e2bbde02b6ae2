import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Client, createClient } from '../../clients/typescript/src/index.ts'
import { ALLOWED_ROUTES, OWN_ROUTES } from '../../services/mcp-gateway/src/allowed-routes.ts'
import { methodsOf } from '../test-support/methods.ts'

const DIGEST = `sha256:${'4'.repeat(64)}`
const REGISTRATION = { model_id: 'm', version: '1', created_by: 'c' }

/** What the gateway says of itself, to browsers and to generators of clients: no client has a use for it. */
const DESCRIPTION = ['/openapi.json', '/docs', '/docs/app.js', '/docs/app.css', '/docs/icon.svg']

/** One call of every method; a method that is missing here fails the test below. */
const CALLS: { [Service in keyof Client]: Record<string, (client: Client) => unknown> } = {
  gateway: {
    health: (client) => client.gateway.health(),
    ready: (client) => client.gateway.ready(),
    serviceReady: (client) => client.gateway.serviceReady('mcp-audit'),
    directory: (client) => client.gateway.directory(),
    registerModel: (client) => client.gateway.registerModel(REGISTRATION),
    gate: (client) => client.gateway.gate({ payload: {}, subject: 's' }),
  },
  lineage: {
    health: (client) => client.lineage.health(),
    ready: (client) => client.lineage.ready(),
    register: (client) => client.lineage.register(REGISTRATION),
    revisions: (client) => client.lineage.revisions('m').next(),
    revisionsPage: (client) => client.lineage.revisionsPage('m'),
    revisionsPageByPath: (client) => client.lineage.revisionsPageByPath('{model_id}'),
    models: (client) => client.lineage.models().next(),
    modelsPage: (client) => client.lineage.modelsPage(),
    verify: (client) => client.lineage.verify(),
  },
  policy: {
    health: (client) => client.policy.health(),
    ready: (client) => client.policy.ready(),
    validate: (client) => client.policy.validate({}),
    validateV1: (client) => client.policy.validateV1({}),
    policies: (client) => client.policy.policies(),
    activatedPolicies: (client) => client.policy.activatedPolicies(DIGEST),
    policySchema: (client) => client.policy.policySchema(),
    verifyAibom: (client) => client.policy.verifyAibom({}),
  },
  audit: {
    health: (client) => client.audit.health(),
    ready: (client) => client.audit.ready(),
    log: (client) => client.audit.log({ event_type: 'e', subject: 's', decision: true }),
    events: (client) => client.audit.events().next(),
    eventsPage: (client) => client.audit.eventsPage(),
    event: (client) => client.audit.event(4711),
    vsa: (client) => client.audit.vsa(4711),
    export: (client) => client.audit.export().next(),
    exportBytes: (client) => client.audit.exportBytes('csv').next(),
    verify: (client) => client.audit.verify(),
    logBatch: (client) =>
      client.audit.logBatch([{ event_type: 'e', subject: 's', decision: true }]),
    checkpoint: (client) => client.audit.checkpoint(),
    checkpointKey: (client) => client.audit.checkpointKey(),
    inclusionProof: (client) => client.audit.inclusionProof(4711),
    consistencyProof: (client) => client.audit.consistencyProof(1),
    tile: (client) => client.audit.tile(4711, 0),
    entryTile: (client) => client.audit.entryTile(0),
    erase: (client) => client.audit.erase(4711, { reason: 'r', legal_basis: 'l' }),
    retention: (client) =>
      client.audit.retention({ before: '2026-01-01T00:00:00Z', reason: 'r', legal_basis: 'l' }),
    hold: (client) => client.audit.hold({ subject: 's', reason: 'r' }),
    release: (client) => client.audit.release(4711, 'r'),
    holds: (client) => client.audit.holds().next(),
    holdsPage: (client) => client.audit.holdsPage(),
  },
}

/** The request that a call sends, as method and path, with `{…}` where the table has a parameter. */
async function requestOf(call: (client: Client) => unknown): Promise<string> {
  const sent: string[] = []
  const client = createClient({
    baseUrl: 'http://gateway.test',
    retries: 0,
    fetch: async (input, init) => {
      const path = decodeURIComponent(new URL(String(input)).pathname)
      const tile = path.replace('/tile/4711/000', '/tile/{L}/{N}').replace('/000', '/{N}')
      const named = tile.replace('/4711', '/{id}').replace(DIGEST, '{digest}')
      sent.push(`${init?.method} ${named}`)
      return new Response(null, { status: 404 })
    },
  })
  await Promise.resolve(call(client)).catch(() => {})
  assert.equal(sent.length, 1)
  return sent[0] as string
}

test('every method of the client is called here', () => {
  const client = createClient({ baseUrl: 'http://gateway.test' })
  for (const [service, api] of Object.entries(client)) {
    assert.deepEqual(methodsOf(api), Object.keys(CALLS[service as keyof Client]).sort(), service)
  }
})

test('every route of the gateway has a method of the client, and every method a route', async () => {
  const probes = OWN_ROUTES.filter(({ path }) => path === '/healthz' || path === '/readyz')
  assert.equal(probes.length, 2)
  const routes = [
    ...OWN_ROUTES.filter(({ path }) => !DESCRIPTION.includes(path)).map(
      ({ method, path }) => `${method} ${path}`,
    ),
    ...Object.entries(ALLOWED_ROUTES).flatMap(([service, own]) =>
      [...probes, ...own].map(({ method, path }) => `${method} /${service}${path}`),
    ),
  ]
  const calls = Object.values(CALLS).flatMap((methods) => Object.values(methods))
  const requests = await Promise.all(calls.map(requestOf))
  assert.deepEqual([...new Set(requests)].sort(), routes.sort())
})
