import assert from 'node:assert/strict'
import { chownSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLE_PAYLOAD } from '../../example-payload.ts'
import { aigov, buildClient } from '../client-build.ts'
import type { ComposeStack } from '../compose-stack.ts'
import { callGateway } from '../gateway.ts'
import type { Scenario } from '../scenario.ts'
import { findSecrets } from '../secret-search.ts'

/** The user of the containers, who has to own the file of keys. */
const CONTAINER_USER = 1000
const QUESTION = {
  subject: 'fraud-detector@1.2.3',
  payload: EXAMPLE_PAYLOAD,
}
const tokens: Record<'ci' | 'auditor', string> = { ci: '', auditor: '' }

const keyFile = (stack: ComposeStack) => join(stack.folder, 'infra', 'api-keys', 'api-keys.json')

async function makeKey(stack: ComposeStack, name: 'ci' | 'auditor', scopes: readonly string[]) {
  const asked = scopes.flatMap((scope) => ['--scope', scope])
  const file = ['--file', keyFile(stack)]
  const { stdout } = await aigov('keys', 'create', '--name', name, ...asked, ...file)
  tokens[name] = stdout.trim()
  if (process.getuid?.() === 0) chownSync(keyFile(stack), CONTAINER_USER, CONTAINER_USER)
}

export const keys: Scenario = {
  shows:
    'with AUTH_MODE=keys nobody gets past the gateway without a key, and everything is recorded in the name of one',
  dotenv: ['AUTH_MODE=keys'],
  async prepare(stack, say) {
    say('keys for a pipeline and for an auditor')
    await buildClient()
    await makeKey(stack, 'ci', ['policy:evaluate', 'audit:append'])
    await makeKey(stack, 'auditor', ['audit:read', 'audit:export'])
  },
  async run(stack, say) {
    const call = (path: string, token?: string, body?: unknown) =>
      callGateway(stack.url, path, body, token)

    say('strangers, and what is open')
    assert.equal((await call('/healthz')).status, 200)
    const stranger = await call('/mcp-audit/events')
    const forger = await call('/mcp-audit/events', `${tokens.auditor.slice(0, -1)}-`)
    for (const { status, body } of [stranger, forger]) {
      assert.deepEqual([status, body.code], [401, 'unauthorized'])
    }

    say('the pipeline decides and records in one call')
    const gate = await call('/api/v1/gate?proof=true', tokens.ci, QUESTION)
    assert.deepEqual([gate.status, gate.body.allowed], [200, true])
    const { id, actor, proof } = gate.body.audit as { id: number; actor: string; proof: unknown }
    assert.equal(actor, 'key:ci')
    assert.ok(proof)

    say('each may do what its key is for')
    const event = { event_type: 'smoke.test', subject: 'keys', decision: true }
    for (const [path, token, body] of [
      ['/mcp-audit/log', tokens.auditor, event],
      ['/mcp-audit/events', tokens.ci, undefined],
      ['/mcp-lineage/models', tokens.ci, undefined],
    ] as const) {
      const { status, body: problem } = await call(path, token, body)
      assert.deepEqual([status, problem.code], [403, 'insufficient_scope'])
    }
    assert.equal((await call('/mcp-audit/log', tokens.ci, event)).body.actor, 'key:ci')
    assert.equal((await call(`/mcp-audit/events/${id}`, tokens.auditor)).status, 200)

    say('a revoked key counts no more, while the stack runs')
    await aigov('keys', 'revoke', 'ci', '--file', keyFile(stack))
    while ((await call('/mcp-audit/log', tokens.ci, event)).status !== 401) await sleep(100)

    say('who was refused is on the log, summed up')
    await stack.compose(['restart', 'mcp-gateway'])
    await stack.up()
    const denied = await callGateway<{ subject: string; actor: string }[]>(
      stack.url,
      '/mcp-audit/events?event_type=auth.denied',
      undefined,
      tokens.auditor,
    )
    const subjects = denied.body.map(({ subject }) => subject).sort()
    assert.ok(denied.body.every((entry) => entry.actor === 'service:mcp-gateway'))
    assert.ok(subjects.includes('missing_scope') && subjects.includes('revoked'), `${subjects}`)
    assert.equal((await call('/mcp-audit/verify', tokens.auditor)).body.ok, true)

    say('no token where it must not be')
    assert.deepEqual(await findSecrets(stack), [])
    const written = await stack.logs()
    for (const token of Object.values(tokens)) assert.ok(!written.includes(token))
    return { denied: subjects }
  },
}
