import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deriveIdentityKey } from '@ai-governance/common/callers/identity'
import type { ActivatedPolicies } from '../src/answers.ts'
import { preparePolicies } from '../src/prepare-policies.ts'
import { prepareAudit } from './audit-process.ts'
import { policyFiles, testsOf, until } from './policy-folders.ts'
import {
  folder,
  identityKey,
  startAudit,
  startFolders,
  startPolicy,
  startProxy,
} from './recording.ts'

test('an activation is on the log with all that decides, and can be read back by its digest', async (t) => {
  const audit = await startAudit(t)
  const files = policyFiles('red')
  const folders = startFolders(t, { ...files, ...testsOf('red') })
  const { publicKey } = generateKeyPairSync('ed25519')
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const keyPath = join(folder, 'aibom.pem')
  writeFileSync(keyPath, pem)
  const env = { POLICIES_DIR: folders.current, AUDIT_URL: audit.url, GATE_SLA_MS: '700' }
  const service = await startPolicy(t, {
    ...env,
    AIBOM_PUBLIC_KEY_PATH: keyPath,
    AIBOM_REQUIRED: 'true',
  })
  const { digest, name, version, loaded_at } = await service.recorded()

  const [entry, ...more] = await audit.activations()
  assert.ok(entry)
  assert.equal(more.length, 0)
  const { id, entry_hash, created_at, details } = entry
  assert.deepEqual(
    [entry.event_type, entry.subject, entry.decision, entry.actor],
    ['policy.activated', digest, true, 'service:mcp-policy'],
  )
  const { aibom_keys, activated_at, files: recorded, ...others } = details
  assert.deepEqual(others, {
    ...{ name, version, digest, semantics: 1 },
    ...{ aibom_required: true, gate_sla_ms: 700 },
  })
  assert.equal(activated_at, loaded_at.replace('Z', '000Z'))
  assert.deepEqual(
    (aibom_keys as { public_key: string }[]).map((key) => key.public_key),
    [pem],
  )
  const expected = Object.entries(files).map(([file, content]) => ({ name: file, content }))
  assert.deepEqual(recorded, expected)

  const answer = await service.get(`/policies/${digest}`)
  assert.deepEqual(answer.json(), { ...details, audit: { id, entry_hash, created_at } })
  const again = preparePolicies(answer.json<ActivatedPolicies>().files)
  assert.ok(again.ok)
  assert.equal(again.set.digest, digest)
})

test('whatever characters and however much a policy folder may hold, it can be recorded', async (t) => {
  const audit = await startAudit(t)
  const files: Record<string, string> = policyFiles('red')
  const odd = '\t"\\\u{85}\u{a0}\u{2028}\u{fdd0}\u{fffe}\u{ffff}\u{10ffff}'
  for (let i = 0; i < 15; i++) {
    // 3.9 MB, and twice that in JSON.
    const text = policyFiles('red')['colors.yml']?.replaceAll('color', `color${i}`) ?? ''
    files[`colors${i}.yml`] = `# ${odd}${'"'.repeat(260_000)}\n${text}`
  }
  const folders = startFolders(t, files)
  const env = { POLICIES_DIR: folders.current, AUDIT_URL: audit.url }
  const service = await startPolicy(t, env)
  const { digest } = await service.recorded()
  const answer = (await service.get(`/policies/${digest}`)).json<ActivatedPolicies>()
  assert.deepEqual(
    Object.fromEntries(answer.files.map(({ name, content }) => [name, content])),
    files,
  )
})

test('the content of an older set is read back, also after a restart; what never was active is 404', async (t) => {
  const audit = await startAudit(t)
  const folders = startFolders(t, policyFiles('red'))
  const env = { POLICIES_DIR: folders.current, AUDIT_URL: audit.url }
  const first = await startPolicy(t, env)
  const red = await first.recorded()
  folders.swap(policyFiles('blue'))
  await until(first.policies, (now) => now.digest !== red.digest && now.recorded)
  await first.stop()
  const second = await startPolicy(t, env)
  const { files } = (await second.get(`/policies/${red.digest}`)).json<ActivatedPolicies>()
  assert.deepEqual(
    Object.fromEntries(files.map((file) => [file.name, file.content])),
    policyFiles('red'),
  )
  const unknown = await second.get(`/policies/sha256:${'0'.repeat(64)}`)
  assert.deepEqual([unknown.statusCode, unknown.json().code], [404, 'not_found'])
  for (const wrong of ['red', red.digest.slice(7), red.digest.toUpperCase(), `${red.digest}0`]) {
    const refused = await second.get(`/policies/${wrong}`)
    assert.deepEqual([refused.statusCode, refused.json().code], [400, 'invalid_request'])
  }

  await audit.end('SIGTERM')
  const kept = await second.get(`/policies/${red.digest}`)
  assert.equal(kept.statusCode, 200)
  const gone = await second.get(`/policies/sha256:${'0'.repeat(64)}`)
  assert.deepEqual([gone.statusCode, gone.json().code], [503, 'upstream_unavailable'])
  assert.doesNotMatch(gone.body, /ECONNREFUSED|127\.0\.0\.1/)
})

test('a restart is no activation; each change is one, and so is going back', async (t) => {
  const audit = await startAudit(t)
  const folders = startFolders(t, policyFiles('red'))
  const env = { POLICIES_DIR: folders.current, AUDIT_URL: audit.url }
  const first = await startPolicy(t, env)
  const red = await first.recorded()
  await first.stop()
  const service = await startPolicy(t, env)
  await service.recorded()
  assert.equal((await audit.activations()).length, 1)

  folders.swap(policyFiles('blue'))
  const blue = await until(service.policies, (now) => now.digest !== red.digest && now.recorded)
  folders.swap(policyFiles('red'))
  await until(service.policies, (now) => now.digest === red.digest && now.recorded)
  const commented = `# moves lines\n${policyFiles('red')['colors.yml']}`
  folders.write('colors.yml', commented)
  const { loaded_at } = await service.policies()
  await until(service.policies, (now) => now.loaded_at !== loaded_at && now.recorded)
  assert.deepEqual(
    (await audit.activations()).map(({ subject }) => subject),
    [red.digest, blue.digest, red.digest, red.digest],
  )
})

test('other keys or settings under the same policies are an activation', async (t) => {
  const audit = await startAudit(t)
  const folders = startFolders(t, policyFiles('red'))
  const env = { POLICIES_DIR: folders.current, AUDIT_URL: audit.url }
  for (const AIBOM_REQUIRED of ['false', 'true', 'true']) {
    const service = await startPolicy(t, { ...env, AIBOM_REQUIRED })
    await service.recorded()
    await service.stop()
  }
  const required = (await audit.activations()).map(({ details }) => details.aibom_required)
  assert.deepEqual(required, [false, true])
})

test('replicas that see one change at once make one entry of it', async (t) => {
  const audit = await startAudit(t)
  const folders = startFolders(t, policyFiles('red'))
  const env = { POLICIES_DIR: folders.current, AUDIT_URL: audit.url }
  const replicas = await Promise.all(Array.from({ length: 5 }, () => startPolicy(t, env)))
  await Promise.all(replicas.map((replica) => replica.recorded()))
  const subjects = [(await replicas[0]!.policies()).digest]
  for (const color of ['blue', 'green', 'blue', 'red']) {
    folders.swap(policyFiles(color))
    const all = await Promise.all(
      replicas.map(({ policies }) =>
        until(policies, (now) => now.recorded && now.digest !== subjects.at(-1)),
      ),
    )
    subjects.push(all[0]!.digest)
  }
  assert.deepEqual(
    (await audit.activations()).map(({ subject }) => subject),
    subjects,
  )
})

test('decisions go on while mcp-audit is away, and every set that was active is recorded in order', async (t) => {
  const audit = await prepareAudit(t, { folder, identityKey })
  const folders = startFolders(t, policyFiles('red'))
  const env = { POLICIES_DIR: folders.current, AUDIT_URL: audit.url }
  const service = await startPolicy(t, env)
  const digests = [(await service.policies()).digest]
  for (const color of ['blue', 'red']) {
    folders.swap(policyFiles(color))
    const now = await until(service.policies, ({ digest }) => digest !== digests.at(-1))
    assert.equal(now.recorded, false)
    digests.push(now.digest)
  }
  const payload = { color: 'red', risk: { size: 1 } }
  assert.equal((await service.validate(payload)).json().allowed, true)
  await audit.start()
  await service.recorded()
  assert.deepEqual(
    (await audit.activations()).map(({ subject }) => subject),
    digests,
  )
})

test('an answer that is lost on the way makes no second entry', async (t) => {
  const audit = await startAudit(t)
  const folders = startFolders(t, policyFiles('red'))
  let lost = 0
  const url = await startProxy(t, audit, ({ incoming }) => {
    if (incoming.method !== 'POST' || lost === 2) return false
    lost += 1
    incoming.socket.destroy()
    return true
  })
  const env = { POLICIES_DIR: folders.current, AUDIT_URL: url }
  const service = await startPolicy(t, env)
  const red = await service.recorded()
  folders.swap(policyFiles('blue'))
  const blue = await until(service.policies, (now) => now.digest !== red.digest && now.recorded)
  assert.equal(lost, 2)
  assert.deepEqual(
    (await audit.activations()).map(({ subject }) => subject),
    [red.digest, blue.digest],
  )
})

test('under a key that mcp-audit does not have nothing is recorded, and the service decides', async (t) => {
  const audit = await startAudit(t)
  const folders = startFolders(t, policyFiles('red'))
  const other = join(folder, 'other.key')
  writeFileSync(other, deriveIdentityKey('another secret', 'mcp-policy>mcp-audit'))
  const service = await startPolicy(t, {
    POLICIES_DIR: folders.current,
    AUDIT_URL: audit.url,
    AUDIT_IDENTITY_KEY_PATH: other,
  })
  await until(
    async () => audit.log(),
    (log) => log.includes('"status":401'),
  )
  const { recorded, digest } = await service.policies()
  assert.equal(recorded, false)
  const refused = await service.get(`/policies/${digest}`)
  assert.deepEqual([refused.statusCode, refused.json().code], [502, 'upstream_invalid'])
  assert.deepEqual(await audit.activations(), [])
})

test('without AUDIT_URL nothing is recorded, and GET /policies says so', async (t) => {
  const folders = startFolders(t, policyFiles('red'))
  const service = await startPolicy(t, { POLICIES_DIR: folders.current })
  const { recorded, digest } = await service.policies()
  assert.equal(recorded, false)
  const answer = await service.get(`/policies/${digest}`)
  assert.deepEqual([answer.statusCode, answer.json().code], [404, 'not_found'])
  assert.match(answer.json().detail, /AUDIT_URL/)
})
