import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { callGateway } from '../gateway.ts'
import type { Scenario } from '../scenario.ts'
import { findSecrets, secretOf } from '../secret-search.ts'

/** With the characters that shells, compose files and URLs read as something else. */
const password = 'it$HOME%40:@/?&+correct;horse'

export const ownPasswords: Scenario = {
  shows:
    'a .env with an owner, a password and an origin of one’s own is honoured, and the password stays in files',
  dotenv: [
    `POSTGRES_PASSWORD='${password}'`,
    'POSTGRES_USER=keeper',
    'POSTGRES_DB=evidence',
    'AUDIT_ORIGIN=audit.example.org/smoke',
  ],
  async run(stack, say) {
    assert.equal(await secretOf(stack, 'owner'), password)
    const asOwner = ['psql', '-h', '127.0.0.1', '-U', 'keeper', '-d', 'evidence', '-Atc']
    const psql = (as: string, allow: readonly number[] = []) =>
      stack.compose(['exec', '-T', '-e', `PGPASSWORD=${as}`, 'db', ...asOwner, 'SELECT 1'], {
        allow,
      })
    say('the owner logs in with it, and with no other')
    assert.equal((await psql(password)).stdout.trim(), '1')
    assert.match((await psql('another-password', [2])).stderr, /password authentication failed/)
    const event = { event_type: 'smoke.test', subject: 'own-passwords', decision: true }
    assert.equal((await callGateway(stack.url, '/mcp-audit/log', event)).status, 200)
    const key = await fetch(`${stack.url}/mcp-audit/checkpoint/key`)
    assert.match(await key.text(), /^audit\.example\.org\/smoke\+/)
    say('passwords where they must not be')
    assert.deepEqual(await findSecrets(stack), [])
    say('another password or origin later is refused with a sentence')
    const file = join(stack.folder, '.env')
    const text = readFileSync(file, 'utf8')
    for (const [former, sentence] of [
      [password, /POSTGRES_PASSWORD in \.env is not the password/],
      ['audit.example.org/smoke', /AUDIT_ORIGIN in \.env is not the origin/],
    ] as const) {
      writeFileSync(file, text.replace(former, 'changed-afterwards'))
      const refused = await stack.compose(['run', '--rm', '-T', 'secrets'], { allow: [1] })
      assert.equal(refused.code, 1)
      assert.match(refused.stdout + refused.stderr, sentence)
    }
    writeFileSync(file, text)
    const { body } = await callGateway(stack.url, '/mcp-audit/verify')
    assert.equal(body.ok, true)
    return {}
  },
}
