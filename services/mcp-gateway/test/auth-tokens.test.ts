import assert from 'node:assert/strict'
import { createHmac, sign } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { exportJWK, exportSPKI } from 'jose'
import { bearer, get, unauthorized } from './auth-harness.ts'
import { EVENTS, guardedBy, key, startIssuer, stranger } from './oidc-guarded.ts'
import { AUDIENCE, craft, type Issuer, now, startTrap } from './oidc-issuer.ts'

describe('every wrong token gets the answer of every wrong credential', () => {
  const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  let pem: string
  before(async () => {
    pem = await exportSPKI(key.publicKey)
  })
  type Make = (issuer: Issuer, trap: string) => Promise<string> | string
  const claims =
    (changes: Record<string, unknown>): Make =>
    (issuer) =>
      craft(issuer, key, changes)
  const header =
    (changes: Record<string, unknown>): Make =>
    (issuer) =>
      craft(issuer, key, {}, changes)
  const body = (issuer: Issuer) =>
    b64({ iss: issuer.url, aud: AUDIENCE, sub: 's', scope: 'admin', exp: now() + 300 })
  const hmac = (issuer: Issuer, secret: string, more = {}) => {
    const text = `${b64({ alg: 'HS256', typ: 'at+jwt', ...more })}.${body(issuer)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const rs256 = (header: object, payload: string) => {
    const text = `${b64({ alg: 'RS256', kid: 'first', ...header })}.${payload}`
    return `${text}.${sign('sha256', Buffer.from(text), key.privateKey).toString('base64url')}`
  }
  const rows: [name: string, make: Make][] = [
    ['another audience', claims({ aud: 'https://other.example' })],
    ['no audience', claims({ aud: undefined })],
    ['an audience that begins alike', claims({ aud: `${AUDIENCE}/x` })],
    ['another issuer', claims({ iss: 'https://issuer.example' })],
    ['the issuer with a slash', (issuer) => craft(issuer, key, { iss: `${issuer.url}/` })],
    ['no issuer', claims({ iss: undefined })],
    ['expired', claims({ exp: now() - 61 })],
    ['no exp', claims({ exp: undefined })],
    ['exp as a text', claims({ exp: String(now() + 300) })],
    ['a future nbf', claims({ nbf: now() + 120 })],
    ['no subject', claims({ sub: undefined })],
    ['an empty subject', claims({ sub: '' })],
    ['a subject that is a number', claims({ sub: 7 })],
    ['a subject with a line break', claims({ sub: 'a\nb' })],
    ['a subject of 256 characters', claims({ sub: 'a'.repeat(256) })],
    ['bound to a key of its holder', claims({ cnf: { jkt: 'x' } })],
    ['an ID token by its type', header({ typ: 'id+jwt' })],
    ['a logout token', header({ typ: 'logout+jwt' })],
    ['alg none', (issuer) => `${b64({ alg: 'none', typ: 'at+jwt' })}.${body(issuer)}.`],
    ['alg None', (issuer) => `${b64({ alg: 'None', typ: 'at+jwt' })}.${body(issuer)}.AAAA`],
    ['HS256 with the public key', (issuer) => hmac(issuer, pem)],
    ['HS256 with the public key, named', (issuer) => hmac(issuer, pem, { kid: 'first' })],
    ['HS256 with the public key without its line breaks', (issuer) => hmac(issuer, pem.trim())],
    ['HS256 with nothing', (issuer) => hmac(issuer, '')],
    ['an algorithm that is not allowed', header({ alg: 'RS512' })],
    ['a key of somebody else under its name', (issuer) => craft(issuer, stranger)],
    ['jku', (issuer, trap) => craft(issuer, stranger, {}, { jku: `${trap}/jwks` })],
    ['x5u', (issuer, trap) => craft(issuer, stranger, {}, { x5u: `${trap}/cert` })],
    [
      'a key in its header',
      async (issuer) => craft(issuer, stranger, {}, { jwk: await exportJWK(stranger.publicKey) }),
    ],
    ['a kid that is a path', header({ kid: '../../../../dev/null' })],
    [
      'a kid that is an address',
      (issuer, trap) => craft(issuer, stranger, {}, { kid: `${trap}/k` }),
    ],
    ['a kid that is SQL', header({ kid: "first' OR '1'='1" })],
    ['a kid that is inherited', header({ kid: '__proto__' })],
    ['a critical extension', (issuer) => rs256({ crit: ['x'], x: 1 }, body(issuer))],
    [
      'a payload that is not encoded',
      (issuer) => rs256({ crit: ['b64'], b64: false }, body(issuer)),
    ],
    ['a cut signature', async (issuer) => (await craft(issuer, key)).slice(0, -2)],
    ['no signature', async (issuer) => (await craft(issuer, key)).replace(/[^.]+$/, '')],
    ['two more dots', async (issuer) => `${await craft(issuer, key)}..`],
    ['two parts', async (issuer) => (await craft(issuer, key)).replace(/\.[^.]+$/, '')],
    [
      'other claims under a right signature',
      async (issuer) => {
        const [first, , last] = (await craft(issuer, key)).split('.')
        return `${first}.${body(issuer)}.${last}`
      },
    ],
    ['claims that are a list', (issuer) => `${b64({ alg: 'RS256' })}.${b64([issuer.url])}.AAAA`],
    ['a huge one', claims({ x: 'x'.repeat(8_000) })],
    ['a key of the other kind', () => `mcp_aaaaaaaa_${'A'.repeat(43)}`],
  ]
  test('and no request goes where it points', async (t) => {
    const trap = await startTrap(t)
    const issuer = await startIssuer(t)
    const { gateway, recorder } = await guardedBy(t, issuer)
    const expected = unauthorized(await get(gateway, EVENTS))
    for (const [name, make] of rows) {
      await t.test(name, async () => {
        const token = await make(issuer, trap.url)
        assert.equal(unauthorized(await get(gateway, EVENTS, bearer(token))), expected)
      })
    }
    assert.deepEqual(recorder.received, [])
    assert.equal(trap.asked.length, 0)
    for (const right of [await craft(issuer, key), rs256({}, body(issuer))]) {
      assert.equal((await get(gateway, EVENTS, bearer(right))).status, 200)
    }
  })
})
