import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { COMPOSE_FILE, prepareIssuer, shellPrelude, tokenOf } from '../company-issuer.ts'
import type { ComposeStack } from '../compose-stack.ts'
import { callGateway } from '../gateway.ts'
import { chapter } from '../operations-page.ts'
import type { Scenario } from '../scenario.ts'
import { findSecrets } from '../secret-search.ts'

const CLIENTS = { ci: 'audit:append audit:read policy:evaluate', brief: 'audit:read' }
const EVENT = { event_type: 'smoke.test', subject: 'oidc', decision: true }
const EVENTS = '/mcp-audit/events'
/** Longest wait for what takes some seconds. */
const PATIENCE = 120_000

/** Every token that was made, for the search of the logs. */
const tokens: string[] = []

async function newToken(stack: ComposeStack, client: string, scope: string, resource?: string) {
  const token = await tokenOf(stack, { client, scope, ...(resource && { resource }) })
  tokens.push(token)
  return token
}

const forCi = (stack: ComposeStack) => newToken(stack, 'ci', CLIENTS.ci)

/** Asks again and again until the answer has this status; returns how long that took, in seconds. */
async function until(status: number, ask: () => Promise<{ status: number }>): Promise<number> {
  const from = performance.now()
  for (;;) {
    const answer = await ask()
    const seconds = (performance.now() - from) / 1_000
    if (answer.status === status) return Math.round(seconds * 10) / 10
    assert.ok(seconds * 1_000 < PATIENCE, `${answer.status} instead of ${status}: ${seconds} s`)
    await sleep(500)
  }
}

/** The commands of docs/OPERATIONS.md, as they stand there but for the address and the compose file of the issuer. */
async function followThePage(stack: ComposeStack): Promise<void> {
  const [settings = '', call = ''] = chapter(stack, 'Identity provider')
  const file = 'docker-compose.oidc.yml'
  assert.ok(settings.includes(file))
  await stack.shell(settings.replace(file, `${file}:${COMPOSE_FILE}`))
  await stack.up()
  await until(200, () => callGateway(stack.url, '/readyz'))
  const script = call.replaceAll('http://127.0.0.1:8080', stack.url)
  const { stdout } = await stack.shell((await shellPrelude(stack)) + script)
  assert.equal(typeof JSON.parse(stdout)[0]?.entry_hash, 'string', stdout)
}

/** A good token passes, and its `sub` is on the log. */
async function isRecorded(stack: ComposeStack, token: string): Promise<void> {
  const logged = await callGateway(stack.url, '/mcp-audit/log', EVENT, token)
  assert.deepEqual([logged.status, logged.body.actor], [200, 'oidc:ci'])
  const { body } = await callGateway(stack.url, `${EVENTS}/${logged.body.id}`, undefined, token)
  assert.equal(body.actor, 'oidc:ci')
}

/** What is no good token, by name; one that counted until its end among them. */
async function wrongTokens(stack: ComposeStack, good: string) {
  const brief = await newToken(stack, 'brief', 'audit:read')
  assert.equal((await callGateway(stack.url, EVENTS, undefined, brief)).status, 200)
  const seconds = await until(401, () => callGateway(stack.url, EVENTS, undefined, brief))
  const elsewhere = await newToken(stack, 'ci', 'audit:read', 'https://other.example.org')
  const [header, claims] = good.split('.')
  const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
  const forged = `${header}.${claims}.${elsewhere.split('.')[2]}`
  tokens.push(forged)
  return {
    seconds,
    wrong: {
      none: undefined,
      expired: brief,
      elsewhere,
      forged,
      unsigned: `${unsigned}.${claims}.`,
    },
  }
}

/** Each is answered by the same words. */
async function areRefused(stack: ComposeStack, wrong: Record<string, string | undefined>) {
  const answers: string[] = []
  for (const token of Object.values(wrong)) {
    const { status, body } = await callGateway(stack.url, EVENTS, undefined, token)
    const { request_id, ...problem } = body
    assert.equal(typeof request_id, 'string')
    answers.push(JSON.stringify([status, problem]))
  }
  assert.equal(new Set(answers).size, 1, answers.join('\n'))
  assert.match(answers[0] ?? '', /^\[401,.*"code":"unauthorized"/)
}

export const oidc: Scenario = {
  shows:
    'with AUTH_MODE=oidc tokens of a real provider count, by https under an authority of the company, and nothing else does',
  async prepare(stack, say) {
    say('an identity provider under an authority of its own')
    await prepareIssuer(stack, CLIENTS)
  },
  async run(stack, say) {
    const call = (token?: string) => callGateway(stack.url, EVENTS, undefined, token)
    say('an open stack is given credentials by the commands of docs/OPERATIONS.md')
    await callGateway(stack.url, '/mcp-audit/log', EVENT)
    await followThePage(stack)
    const first = await forCi(stack)
    await isRecorded(stack, first)

    say('what is no good token gets the same 401')
    const { wrong, seconds: until_expired_s } = await wrongTokens(stack, first)
    await areRefused(stack, wrong)
    assert.equal((await call(first)).status, 200)

    say('the provider changes its key, twice: new tokens count within 10 s, old ones no longer')
    let good = first
    const until_new_key_s: number[] = []
    for (let change = 0; change < 2; change++) {
      const old = good
      await stack.compose(['restart', 'issuer'])
      await stack.up()
      good = await forCi(stack)
      until_new_key_s.push(await until(200, () => call(good)))
      assert.equal((await call(old)).status, 401)
    }
    // Asked for only every five minutes, they would take longer.
    assert.ok(Math.max(...until_new_key_s) < 60, `${until_new_key_s}`)

    say('the provider is away: keys that are known go on counting')
    await stack.compose(['stop', 'issuer'])
    await isRecorded(stack, good)

    say('and a gateway that starts meanwhile says what it lacks')
    await stack.compose(['restart', 'mcp-gateway'])
    await until(503, () => callGateway(stack.url, '/readyz').catch(() => ({ status: 0 })))
    const { body } = await callGateway(stack.url, '/readyz')
    assert.match(JSON.stringify(body.errors), /"oidc_issuer"/)
    const { status, body: problem } = await call(good)
    assert.deepEqual([status, problem.code], [503, 'not_ready'])
    await stack.compose(['start', 'issuer'])
    await stack.up()
    const third = await forCi(stack)
    const until_back_s = await until(200, () => call(third))

    say('who was refused is on the log, and no token is in any')
    const query = `${EVENTS}?event_type=auth.denied&limit=100`
    const denied = await callGateway<{ subject: string }[]>(stack.url, query, undefined, third)
    const classes = [...new Set(denied.body.map(({ subject }) => subject))].sort()
    for (const name of ['expired', 'wrong_audience', 'wrong_signature', 'wrong_algorithm']) {
      assert.ok(classes.includes(name), `${name} is not among ${classes}`)
    }
    assert.deepEqual(await findSecrets(stack), [])
    const written = await stack.logs()
    for (const token of tokens) {
      for (const part of [token, token.split('.')[1], token.split('.')[2]]) {
        assert.ok(part && !written.includes(part))
      }
    }
    return {
      denied: classes,
      tokens: tokens.length,
      until_expired_s,
      until_new_key_s,
      until_back_s,
    }
  },
}
