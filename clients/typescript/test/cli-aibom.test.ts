import assert from 'node:assert/strict'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { aigov, aigovWithoutSpace } from './aigov.ts'

let cwd: string
before(() => {
  cwd = mkdtempSync(join(tmpdir(), 'aigov-'))
})
after(() => rmSync(cwd, { recursive: true, force: true }))

test('keygen writes a private key for its owner alone and never overwrites a file', async () => {
  const folder = mkdtempSync(join(cwd, 'keys-'))
  const made = await aigov(['aibom', 'keygen', '--json'], { cwd: folder })
  assert.equal(made.code, 0)
  const { private_key, public_key, key_id } = JSON.parse(made.out)
  assert.match(key_id, /^[0-9a-f]{16}$/)
  assert.equal(statSync(join(folder, private_key)).mode & 0o777, 0o600)
  assert.match(readFileSync(join(folder, private_key), 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/)
  assert.match(readFileSync(join(folder, public_key), 'utf8'), /^-----BEGIN PUBLIC KEY-----\n/)
  const before = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  assert.equal((await aigov(['aibom', 'keygen'], { cwd: folder })).code, 2)
  // With only the public one in the way, no private key is left behind.
  rmSync(join(folder, private_key))
  assert.equal((await aigov(['aibom', 'keygen'], { cwd: folder })).code, 2)
  assert.deepEqual(readdirSync(folder), [public_key])
  assert.equal(before.length, 2)
})

test('a bill that no decision will ever count is signed with a warning that says what to do', async () => {
  const folder = mkdtempSync(join(cwd, 'unbound-'))
  const run = (...args: string[]) => aigov(['aibom', ...args], { cwd: folder })
  await run('keygen')
  const model = { type: 'machine-learning-model', name: 'm', version: '1' }
  const bom = { bomFormat: 'CycloneDX', specVersion: '1.6', components: [model] }
  for (const [bill, format, warning] of [
    [{ model_id: 'm', version: '1' }, 'detached-jcs', null],
    [{ model_id: 'm', version: 1 }, 'detached-jcs', /names no model with a version/],
    [bom, 'detached-jcs', /use --format cyclonedx-jsf/],
    [bom, 'cyclonedx-jsf', null],
    [{ ...bom, components: [] }, 'cyclonedx-jsf', /names no model with a version/],
  ] as const) {
    writeFileSync(join(folder, 'bill.json'), JSON.stringify(bill))
    const key = ['--key', 'aibom_private_key.pem', '--format', format]
    const { code, err } = await run('sign', 'bill.json', ...key)
    assert.equal(code, 0)
    if (warning) assert.match(err, warning)
    else assert.doesNotMatch(err, /warning/)
  }
})

test('a bill is signed, verified, and refused once changed or with other keys', async () => {
  const folder = mkdtempSync(join(cwd, 'bill-'))
  const run = (...args: string[]) => aigov(['aibom', ...args], { cwd: folder })
  await run('keygen')
  await run('keygen', '--private', 'other.key', '--public', 'other.pem')
  writeFileSync(join(folder, 'bom.json'), '{"model_id":"m","version":"1"}')
  writeFileSync(join(folder, 'cdx.json'), '{"bomFormat":"CycloneDX","specVersion":"1.6"}')
  const key = ['--key', 'aibom_private_key.pem']
  for (const [file, format] of [
    ['bom.json', 'detached-jcs'],
    ['cdx.json', 'cyclonedx-jsf'],
  ] as const) {
    const out = ['--format', format, '--out', 'signed.json', '--force']
    const signed = await run('sign', file, ...key, ...out)
    assert.deepEqual([signed.code, signed.out], [0, ''], signed.err)
    const keys = ['--keys', 'aibom_public_key.pem']
    const good = await run('verify', 'signed.json', ...keys, '--json')
    assert.equal(good.code, 0)
    assert.deepEqual(
      [JSON.parse(good.out).status, JSON.parse(good.out).format],
      ['verified', format],
    )
    const untrusted = await run('verify', 'signed.json', '--keys', 'other.pem')
    assert.equal(untrusted.code, 4)
    assert.match(untrusted.out, /^NOT VERIFIED {2}untrusted_key: unknown_key_id/)
    const text = readFileSync(join(folder, 'signed.json'), 'utf8')
    writeFileSync(
      join(folder, 'signed.json'),
      text.replace(/"(version|specVersion)":"[^"]+"/, '"$1":"1.7"'),
    )
    const changed = await run('verify', 'signed.json', ...keys)
    assert.match(changed.out, /^NOT VERIFIED {2}invalid: signature_mismatch/)
    assert.equal(changed.code, 4)
  }
  const part = { name: 'm', signature: { algorithm: 'Ed25519', value: '' } }
  const bom = { bomFormat: 'CycloneDX', specVersion: '1.6', components: [part] }
  writeFileSync(join(folder, 'parts.json'), JSON.stringify(bom))
  const parts = await run('verify', 'parts.json', '--keys', 'aibom_public_key.pem')
  assert.match(parts.out, /^NOT VERIFIED {2}unsupported: component_signature_not_supported/)
  const signedParts = await run('sign', 'parts.json', ...key, '--format', 'cyclonedx-jsf')
  assert.deepEqual([parts.code, signedParts.code, signedParts.out], [4, 2, ''])
  assert.match(signedParts.err, /component_signature_not_supported/)
  const notCycloneDx = await run('sign', 'bom.json', ...key, '--format', 'cyclonedx-jsf')
  assert.deepEqual([notCycloneDx.code, notCycloneDx.out], [2, ''])
})

test('a signed bill replaces a file only by --force, and the private key never', async () => {
  const folder = mkdtempSync(join(cwd, 'out-'))
  const text = (name: string) => readFileSync(join(folder, name), 'utf8')
  await aigov(['aibom', 'keygen'], { cwd: folder })
  const pem = text('aibom_private_key.pem')
  writeFileSync(join(folder, 'bom.json'), '{"model_id":"m","version":"1"}')
  writeFileSync(join(folder, 'mine.json'), 'mine')
  symlinkSync('aibom_private_key.pem', join(folder, 'link.json'))
  const sign = (...out: string[]) =>
    aigov(['aibom', 'sign', 'bom.json', '--key', 'aibom_private_key.pem', '--out', ...out], {
      cwd: folder,
    })
  const refused = await sign('mine.json')
  assert.equal(refused.code, 2)
  assert.match(refused.err, /mine\.json is there already: choose another name, or .* --force\./)
  assert.equal(text('mine.json'), 'mine')
  for (const out of ['aibom_private_key.pem', './aibom_private_key.pem', 'link.json']) {
    for (const force of [[], ['--force']]) {
      const { code, err } = await sign(out, ...force)
      assert.equal(code, 2)
      assert.match(err, /is the private key, which is never overwritten/)
    }
  }
  assert.equal(text('aibom_private_key.pem'), pem)
  assert.equal((await sign('mine.json', '--force')).code, 0)
  assert.ok(JSON.parse(text('mine.json')).signature)
  for (const force of [[], ['--force']]) {
    assert.match((await sign('bom.json', ...force)).err, /is what is signed, which is never/)
  }
  // Of a link the link is replaced, never what it leads to.
  writeFileSync(join(folder, 'target'), 'mine')
  symlinkSync('target', join(folder, 'to-target'))
  assert.equal((await sign('to-target')).code, 2)
  assert.equal((await sign('to-target', '--force')).code, 0)
  assert.equal(text('target'), 'mine')
  symlinkSync('nowhere', join(folder, 'dangling'))
  assert.equal((await sign('dangling')).code, 2)
  assert.equal((await sign('no/such/folder.json')).code, 1)
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.part') || name === 'nowhere'),
    [],
  )
})

test('where a disk is full no key and no bill is left behind, and the next try is free', async () => {
  const folder = mkdtempSync(join(cwd, 'full-'))
  const failed = await aigovWithoutSpace(['aibom', 'keygen'], folder)
  assert.equal(failed.code, 1)
  assert.match(failed.err, /aibom_private_key\.pem cannot be written/)
  assert.deepEqual(readdirSync(folder), [])
  assert.equal((await aigov(['aibom', 'keygen'], { cwd: folder })).code, 0)
  writeFileSync(join(folder, 'bom.json'), '{}')
  const before = readdirSync(folder)
  const sign = ['aibom', 'sign', 'bom.json', '--key', 'aibom_private_key.pem', '--out', 'out.json']
  assert.equal((await aigovWithoutSpace(sign, folder)).code, 1)
  assert.deepEqual(readdirSync(folder), before)
})
