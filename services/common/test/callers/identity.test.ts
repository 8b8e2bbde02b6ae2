import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  deriveIdentityKey,
  type IdentityClaims,
  identityMac,
  readIdentityKey,
  serviceClaims,
  signIdentity,
} from '../../src/callers/identity.ts'
import {
  IDENTITY_LEEWAY,
  IdentityVerifier,
  type Issuer,
} from '../../src/callers/identity-verifier.ts'
import { EnvironmentError } from '../../src/environment.ts'
import { ApiError } from '../../src/errors.ts'

const NOW = 1_795_000_000
const BODY = '{"event_type":"policy.activated"}'
const REQUEST = { id: 'r-1', method: 'POST', target: '/log?proof=true' }
const key = randomBytes(32)
const otherKey = randomBytes(32)
const issuers: Issuer[] = [
  { name: 'mcp-policy', key, mayClaim: ({ scopes }) => scopes.join() === 'audit:append' },
  { name: 'mcp-gateway', key: otherKey, mayClaim: () => true },
]

function claimsNow(changes: Partial<IdentityClaims> = {}): IdentityClaims {
  const call = {
    ...{ from: 'mcp-policy', to: 'mcp-audit', scopes: ['audit:append'] },
    ...{ requestId: 'r-1', method: 'POST', target: '/log?proof=true', body: BODY },
  }
  return { ...serviceClaims(call, NOW), ...changes }
}

const newVerifier = () => new IdentityVerifier({ audience: 'mcp-audit', issuers, startedAt: 0 })

/** Both steps of a fresh verifier. */
function judge(header: string, body: string = BODY, now: number = NOW): IdentityClaims {
  const verifier = newVerifier()
  const claims = verifier.verify(header, REQUEST, now)
  verifier.admit(claims, Buffer.from(body), now)
  return claims
}

const isRefusal = (error: unknown) => error instanceof ApiError && error.code === 'unauthorized'

test('a header that is made as docs/FORMATS.md says is the one of the vector', () => {
  const file = join(import.meta.dirname, '../../../../docs/vectors/identity.json')
  const vector = JSON.parse(readFileSync(file, 'utf8'))
  assert.equal(deriveIdentityKey(vector.secret, vector.purpose), vector.key)
  const vectorKey = Buffer.from(vector.key, 'base64url')
  assert.equal(signIdentity(vector.claims, vectorKey), vector.header)
  const call = {
    ...{ from: 'mcp-policy', to: 'mcp-audit', scopes: ['audit:append', 'audit:read'] },
    ...{ requestId: 'vector-1', method: 'POST', target: '/log?proof=true', body: vector.body },
  }
  const { jti } = vector.claims
  assert.deepEqual({ ...serviceClaims(call, vector.claims.iat), jti }, vector.claims)
})

test('what is signed is accepted, with its claims', () => {
  const claims = claimsNow()
  assert.deepEqual(judge(signIdentity(claims, key)), claims)
})

describe('signed by the right key, refused is', () => {
  const wrong: Record<string, object> = {
    'another version': { v: 2 },
    'an issuer that nobody knows': { iss: 'mcp-lineage' },
    'the issuer of another key': { iss: 'mcp-gateway' },
    'a scope too many': { scopes: ['audit:append', 'audit:erase'] },
    'no scope': { scopes: [] },
    'scopes as a text': { scopes: 'audit:append' },
    'a subject that is none': { sub: '' },
    'a service that is none': { svc: 1 },
    'another service': { aud: 'mcp-lineage' },
    'another request id': { rid: 'r-2' },
    'another method': { m: 'GET' },
    'a method in lower case': { m: 'post' },
    'another path': { target: '/log/batch?proof=true' },
    'another query': { target: '/log' },
    'another body': { body: '0'.repeat(64) },
    'a stream': { body: null },
    'a digest in upper case': { body: 'A'.repeat(64) },
    'an expired one': { iat: NOW - 60, exp: NOW },
    'one that ends before it begins': { iat: NOW + 2, exp: NOW + 1 },
    'one for more than a minute': { exp: NOW + 61 },
    'one from the future': { iat: NOW + IDENTITY_LEEWAY + 1, exp: NOW + 20 },
    'a moment that is a text': { iat: String(NOW) },
    'a fraction of a second': { iat: NOW - 0.5, exp: NOW + 50 },
    'fewer random bytes': { jti: randomBytes(15).toString('base64url') },
    'random bytes in another spelling': { jti: `${'A'.repeat(21)}B` },
    'a member too many': { admin: true },
  }
  for (const [what, changes] of Object.entries(wrong)) {
    test(what, () => {
      const header = signIdentity(claimsNow(changes), key)
      assert.throws(() => judge(header), isRefusal)
    })
  }

  for (const name of Object.keys(claimsNow())) {
    test(`one without ${name}`, () => {
      const { [name as 'v']: _left, ...rest } = claimsNow()
      assert.throws(() => judge(signIdentity(rest as IdentityClaims, key)), isRefusal)
    })
  }

  test('a member twice, of which readers could take either', () => {
    const text = JSON.stringify(claimsNow()).replace('{', '{"sub":"service:mcp-gateway",')
    const first = Buffer.from(text).toString('base64url')
    assert.throws(() => judge(`${first}.${identityMac(first, key)}`), isRefusal)
  })

  test('what is no JSON, or no object', () => {
    for (const text of ['', '{', 'null', '[]', '"text"', '\u{feff}{}']) {
      const first = Buffer.from(text).toString('base64url')
      assert.throws(() => judge(`${first}.${identityMac(first, key)}`), isRefusal)
    }
  })
})

test('the leeway for a clock that is ahead is 5 s, and for one that is behind none', () => {
  const ahead = claimsNow({ iat: NOW + IDENTITY_LEEWAY, exp: NOW + IDENTITY_LEEWAY + 60 })
  assert.deepEqual(judge(signIdentity(ahead, key)), ahead)
  const header = signIdentity(claimsNow(), key)
  assert.ok(judge(header, BODY, NOW + 59.9))
  assert.throws(() => judge(header, BODY, NOW + 60), isRefusal)
})

test('one that expires while the body arrives is refused', () => {
  const verifier = newVerifier()
  const claims = verifier.verify(signIdentity(claimsNow(), key), REQUEST, NOW + 59)
  assert.throws(() => verifier.admit(claims, Buffer.from(BODY), NOW + 60), isRefusal)
})

test('a refusal is the same to everybody; why, is for the log', () => {
  const refusalOf = (header: string): ApiError => {
    try {
      judge(header)
    } catch (error) {
      assert.ok(isRefusal(error))
      return error as ApiError
    }
    assert.fail('it was accepted')
  }
  const wrong = [{ aud: 'x' }, { m: 'GET' }, { iat: NOW - 90, exp: NOW - 30 }, { iss: 'x' }]
  const signed = wrong.map((changes) => refusalOf(signIdentity(claimsNow(changes), key)))
  const unsigned = [signIdentity(claimsNow(), randomBytes(32)), 'x', '', 'a.b.c'].map(refusalOf)
  const bodies = [...signed, ...unsigned].map((error) => JSON.stringify(error.problem('r')))
  assert.equal(new Set(bodies).size, 1)
  assert.match(String(signed[0]?.cause), /for another service/)
  assert.equal(new Set(signed.map(({ cause }) => String(cause))).size, wrong.length)
  assert.deepEqual(new Set(unsigned.map(({ cause }) => cause)), new Set([undefined]))
})

test('a change of one character anywhere is refused', () => {
  const header = signIdentity(claimsNow(), key)
  const at = fc.nat({ max: header.length - 1 })
  const character = fc.oneof(
    fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ,'),
    fc.string({ minLength: 0, maxLength: 2 }),
  )
  fc.assert(
    fc.property(at, character, (index, text) => {
      const changed = header.slice(0, index) + text + header.slice(index + 1)
      if (changed === header) return
      assert.throws(() => judge(changed), isRefusal)
    }),
    { numRuns: 20_000 },
  )
})

test('every single character that is left out, doubled or exchanged is refused', () => {
  const header = signIdentity(claimsNow(), key)
  for (let i = 0; i < header.length; i++) {
    const [before, here, after] = [header.slice(0, i), header[i] as string, header.slice(i + 1)]
    const exchanged = here === 'A' ? 'B' : 'A'
    for (const changed of ['', here + here, exchanged]) {
      assert.throws(() => judge(before + changed + after), isRefusal, `${i}: ${changed}`)
    }
  }
})

test('of a body every flipped bit is refused', () => {
  const header = signIdentity(claimsNow(), key)
  for (let bit = 0; bit < BODY.length * 8; bit++) {
    const bytes = Buffer.from(BODY)
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
    const verifier = newVerifier()
    const claims = verifier.verify(header, REQUEST, NOW)
    assert.throws(() => verifier.admit(claims, bytes, NOW), isRefusal)
  }
})

test('a key file holds 32 bytes in base64url, and anything else names the variable', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'identity-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'key')
  writeFileSync(file, `${key.toString('base64url')}\n`)
  assert.deepEqual(readIdentityKey(file, 'SOME_KEY_PATH'), key)
  const isTold = (error: unknown) =>
    error instanceof EnvironmentError && error.message.startsWith('SOME_KEY_PATH: ')
  for (const text of ['', 'short', key.toString('hex'), `${key.toString('base64url')}x`]) {
    writeFileSync(file, text)
    assert.throws(() => readIdentityKey(file, 'SOME_KEY_PATH'), isTold)
  }
  assert.throws(() => readIdentityKey(folder, 'SOME_KEY_PATH'), isTold)
})

test('a key file that is closed to the user of the process is said to be so, with what to do', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'identity-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  chmodSync(folder, 0o755)
  const file = join(folder, 'key')
  writeFileSync(file, `${key.toString('base64url')}\n`, { mode: 0o000 })
  const script = `
    import { readIdentityKey } from '${new URL('../../src/callers/identity.ts', import.meta.url)}'
    // No file is closed to root.
    if (process.getuid() === 0) process.setuid(54321)
    try { readIdentityKey(process.argv[1], 'SOME_KEY_PATH') } catch (error) { console.log(error.name, error.message) }
  `
  const flags = ['--input-type=module', '-e', script, file]
  const said = execFileSync(process.execPath, flags, { encoding: 'utf8' })
  const words = /^EnvironmentError SOME_KEY_PATH: .*key cannot be read \(EACCES\): give it, and/
  assert.match(said, words)
  assert.ok(!said.includes('make it'))
})
