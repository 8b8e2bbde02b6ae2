// Keys from "aigov keys" to a real gateway, as its operator and its callers use them: every client, every refusal.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, GovernanceError } from '../../clients/typescript/src/index.ts'
import { ApiKeyFile } from '../../services/common/src/callers/api-keys.ts'
import { EXAMPLE_PAYLOAD } from '../example-payload.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'
import { type Stack, startStack } from '../test-support/stack.ts'
import { runStep } from './action-step.ts'

const clients = join(import.meta.dirname, '../../clients')
const EVENT = { event_type: 'keys.test', subject: 's', decision: true }

let database: TestDatabase
let stack: Stack
let folder: string
let file: string
/** The tokens by the names of their keys. */
const tokens: Record<string, string> = {}
before(async () => {
  database = await createTestDatabase()
  folder = mkdtempSync(join(tmpdir(), 'client-keys-'))
  file = join(folder, 'api-keys.json')
  await makeKey('reader', 'audit:read')
  stack = await startStack(database, {
    signed: true,
    gatewayEnv: { AUTH_MODE: 'keys', API_KEYS_PATH: file },
  })
})
after(async () => {
  await stack.stop()
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

interface Ended {
  code: number
  out: string
  err: string
}

async function run(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  })
  const text = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    text.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    text.err += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...text }
}

const aigov = (args: readonly string[], env: Record<string, string> = {}) =>
  run(process.execPath, [join(clients, 'typescript/src/cli/main.ts'), ...args], env)
const aigovPy = (args: readonly string[], env: Record<string, string> = {}) =>
  run('python3', ['-m', 'ai_governance', ...args], {
    PYTHONPATH: join(clients, 'python'),
    AIGOV_URL: stack.gateway.url,
    ...env,
  })

async function makeKey(name: string, ...scopes: string[]): Promise<string> {
  const given = scopes.flatMap((scope) => ['--scope', scope])
  const made = await aigov(['keys', 'create', '--name', name, ...given, '--file', file])
  assert.equal(made.code, 0, made.err)
  tokens[name] = made.out.trim()
  return made.out.trim()
}

const clientOf = (token?: string) =>
  createClient({ baseUrl: stack.gateway.url, ...(token && { token }), retries: 0 })

/** What the gateway says to an append under a token: `ok`, or the code of its refusal. */
async function append(token: string): Promise<string> {
  try {
    await clientOf(token).audit.log(EVENT)
    return 'ok'
  } catch (error) {
    if (error instanceof GovernanceError) return error.code
    throw error
  }
}

/** Waits until the running gateway has taken a change of the file. */
async function until(token: string, expected: string): Promise<void> {
  while ((await append(token)) !== expected) await sleep(50)
}

test('a file that "aigov keys" writes is one that the gateway takes', () => {
  const { keys } = ApiKeyFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  assert.deepEqual(keys[0]?.scopes, ['audit:read'])
})

test('a key that is made while the gateway runs counts, in the name of its key, until it is revoked', async () => {
  const token = await makeKey('writer', 'audit:append')
  await until(token, 'ok')
  const entry = await clientOf(token).audit.log(EVENT)
  assert.equal(entry.actor, 'key:writer')
  const revoked = await aigov(['keys', 'revoke', 'writer', '--file', file])
  assert.equal(revoked.code, 0, revoked.err)
  await until(token, 'unauthorized')
  assert.equal((await clientOf(tokens.reader).audit.event(entry.id)).subject, EVENT.subject)
})

test('a scope allows its own calls and no others', async () => {
  const reader = clientOf(tokens.reader)
  assert.ok(await reader.audit.eventsPage({}))
  await assert.rejects(reader.audit.log(EVENT), { code: 'insufficient_scope', status: 403 })
  await assert.rejects(reader.policy.validate(EXAMPLE_PAYLOAD), { code: 'insufficient_scope' })
})

test('whoever has no token, or a wrong one, is told what to do and gets nothing', async () => {
  await assert.rejects(clientOf().audit.eventsPage({}), {
    code: 'unauthorized',
    status: 401,
    message: /No token was sent/,
  })
  const wrong = `${tokens.reader?.slice(0, -1)}${tokens.reader?.endsWith('A') ? 'B' : 'A'}`
  for (const token of [wrong, `mcp_zzzzzzzz_${'A'.repeat(43)}`, 'no-key-at-all']) {
    await assert.rejects(clientOf(token).audit.eventsPage({}), {
      code: 'unauthorized',
      message: /does not count here/,
    })
  }
})

test('both command lines take the token of the environment, and say of what is refused how to go on', async () => {
  const token = await makeKey('cli', 'audit:append', 'policy:evaluate', 'audit:read')
  await until(token, 'ok')
  const log = ['log', '--event-type', 'e', '--subject', 's', '--decision', 'true']
  const url = { AIGOV_URL: stack.gateway.url }
  for (const command of [
    (env: object) => aigov(log, { ...url, ...env }),
    (env: object) => aigovPy(log, { ...env }),
  ]) {
    const done = await command({ AIGOV_TOKEN: token })
    assert.equal(done.code, 0, done.err)
    for (const env of [{}, { AIGOV_TOKEN: 'wrong' }]) {
      const refused = await command(env)
      assert.equal(refused.code, 7)
      assert.match(refused.err, /unauthorized[\s\S]*aigov keys create[\s\S]*AIGOV_TOKEN/)
    }
  }
  const status = await aigov(['status', '--json'], { ...url, AIGOV_TOKEN: token })
  assert.equal(status.code, 0, status.err)
})

test('the action decides and records under a key', async () => {
  const token = await makeKey('action', 'policy:evaluate')
  await until(token, 'insufficient_scope')
  const inputs = {
    url: stack.gateway.url,
    subject: 'm@1',
    payload: JSON.stringify(EXAMPLE_PAYLOAD),
  }
  const { code, outputs, stdout } = await runStep({ ...inputs, token })
  assert.deepEqual([code, outputs.allowed], [0, 'true'], stdout)
  const entry = await clientOf(tokens.reader).audit.event(Number(outputs['entry-id']))
  assert.equal(entry.actor, 'key:action')
  const refused = await runStep(inputs)
  assert.equal(refused.code, 1)
  assert.match(refused.commands.at(-1)?.message ?? '', /Give the input token/)
})

test('a file that others may read is not taken, and the keys before stay in force', async () => {
  chmodSync(file, 0o644)
  while (!stack.gateway.log().includes('chmod 600')) await sleep(50)
  assert.equal(await append(tokens.cli as string), 'ok')
  chmodSync(file, 0o600)
})

test('no token is in any log of the stack', async () => {
  const logs = [stack.gateway, stack.audit, stack.policy, stack.lineage].map((one) => one.log())
  assert.ok(logs.every((log) => log.length > 0))
  for (const token of Object.values(tokens)) {
    // The id alone is no secret.
    const secret = token.slice('mcp_abcdefgh_'.length)
    assert.ok(!logs.some((log) => log.includes(secret)))
  }
})
