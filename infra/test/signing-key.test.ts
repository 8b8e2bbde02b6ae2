import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readVerifierKey } from '../../clients/typescript/src/signed-note.ts'
import { Failure } from '../failure.ts'
import { makeIdentityKeys, makeSignerFolder } from '../local/data-folder.ts'
import { planServices } from '../local/services.ts'
import { readSettings } from '../local/settings.ts'
import { beginOrigin, ensureSigner, type SignerFiles } from '../signing-key.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const newFolder = (t: TestContext) => makeSignerFolder(scratchFolder(t))
const contents = ({ keyFile, stateFile }: SignerFiles) =>
  [keyFile, stateFile].map((file) => readFileSync(file, 'utf8'))

test('key and state are made once, for their owner alone, and kept', async (t) => {
  const data = scratchFolder(t)
  const files = makeSignerFolder(data)
  const { made, warning } = await ensureSigner(files, undefined)
  assert.equal(warning, undefined)
  const { name } = readVerifierKey(made ?? '')
  assert.match(name, /^localhost\/audit\/[0-9a-f]{8}$/)
  const before = contents(files)
  assert.deepEqual(JSON.parse(before[1] as string).origin, name)
  assert.equal(JSON.parse(before[1] as string).size, 0)
  assert.deepEqual(await ensureSigner(makeSignerFolder(data), undefined), {})
  assert.deepEqual(contents(files), before)
  assert.equal(statSync(join(data, 'signer')).mode & 0o777, 0o700)
  for (const file of Object.values(files)) assert.equal(statSync(file).mode & 0o777, 0o600)
})

for (const lost of ['keyFile', 'stateFile'] as const) {
  test(`a missing ${lost} is told, and nothing is made in its place`, async (t) => {
    const files = newFolder(t)
    await ensureSigner(files, undefined)
    rmSync(files[lost])
    const left = readdirSync(join(files.keyFile, '..'))
    const { made, warning } = await ensureSigner(files, undefined)
    assert.equal(made, undefined)
    assert.match(warning ?? '', /is there and .* is not\. Put it back from the backup; or/)
    assert.ok(warning?.includes(` and ${files[lost]} is not. `))
    assert.deepEqual(readdirSync(join(files.keyFile, '..')), left)
  })
}

test('a state that is none is told, and left as it is', async (t) => {
  const files = newFolder(t)
  await ensureSigner(files, undefined)
  for (const text of ['', '{"origin":', 'null', '{"origin":7}']) {
    writeFileSync(files.stateFile, text)
    const { warning } = await ensureSigner(files, undefined)
    assert.match(warning ?? '', /state\.json cannot be read as the state of a signer\. Put it back/)
    assert.equal(readFileSync(files.stateFile, 'utf8'), text)
  }
})

test('the chosen origin is the name of the key, and another one later is refused', async (t) => {
  const files = newFolder(t)
  const { made } = await ensureSigner(files, 'audit.example.org/a')
  assert.equal(readVerifierKey(made ?? '').name, 'audit.example.org/a')
  assert.deepEqual(await ensureSigner(files, 'audit.example.org/a'), {})
  await assert.rejects(
    ensureSigner(files, 'audit.example.org/b'),
    (error) => error instanceof Failure && /^AUDIT_ORIGIN in \.env is not the/.test(error.message),
  )
})

test('a new origin keeps the former files aside and begins with nothing signed', async (t) => {
  const files = newFolder(t)
  const { made: former } = await ensureSigner(files, undefined)
  const before = contents(files)
  const now = new Date('2026-01-02T03:04:05.678Z')
  const made = await beginOrigin(files, undefined, now)
  assert.notEqual(readVerifierKey(made).name, readVerifierKey(former ?? '').name)
  const aside = Object.values(files).map((file) => `${file}.until-2026-01-02T030405.678Z`)
  assert.deepEqual(
    aside.map((file) => readFileSync(file, 'utf8')),
    before,
  )
  assert.equal(JSON.parse(contents(files)[1] as string).size, 0)
})

test('a new origin is begun where one of the two files is lost', async (t) => {
  for (const lost of ['keyFile', 'stateFile'] as const) {
    const files = newFolder(t)
    await ensureSigner(files, undefined)
    rmSync(files[lost])
    await beginOrigin(files, undefined, new Date())
    assert.deepEqual(await ensureSigner(files, undefined), {})
  }
})

test('a new origin under the former name is refused, and changes nothing', async (t) => {
  const files = newFolder(t)
  await ensureSigner(files, 'audit.example.org/a')
  const before = contents(files)
  await assert.rejects(
    beginOrigin(files, 'audit.example.org/a', new Date()),
    (error) => error instanceof Failure && /choose another, such as/.test(error.message),
  )
  assert.deepEqual(contents(files), before)
  const made = await beginOrigin(files, 'audit.example.org/a-2', new Date())
  assert.equal(readVerifierKey(made).name, 'audit.example.org/a-2')
})

test('of the local services mcp-audit alone is told where key and state are', (t) => {
  const data = scratchFolder(t)
  const signer = makeSignerFolder(data)
  const root = scratchFolder(t)
  copyFileSync(join(import.meta.dirname, '../../.env.example'), join(root, '.env.example'))
  const secrets = { owner: 'a', lineageService: 'b', auditService: 'c' }
  const settings = { ...readSettings(root, {}), auditWitnessesPath: '/w' }
  const plans = planServices(settings, {
    root,
    data,
    secrets,
    signer,
    identity: makeIdentityKeys(data),
    postgresPort: 1,
  })
  const told = plans.flatMap(({ name, env }) =>
    Object.entries(env)
      .filter(([variable]) => /^AUDIT_(SIGN|WIT)/.test(variable))
      .map(([variable, value]) => `${name} ${variable}=${value}`),
  )
  assert.deepEqual(told, [
    `mcp-audit AUDIT_SIGNING_KEY_PATH=${signer.keyFile}`,
    `mcp-audit AUDIT_SIGNER_STATE_PATH=${signer.stateFile}`,
    'mcp-audit AUDIT_WITNESSES_PATH=/w',
  ])
})
