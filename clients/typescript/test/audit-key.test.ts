import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, hash } from 'node:crypto'
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { AuditKeyError, type AuditKeyOptions, isOrigin, makeAuditKey } from '../src/audit-key.ts'
import { readVerifierKey } from '../src/signed-note.ts'

let root: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'audit-key-'))
})
after(() => rmSync(root, { recursive: true, force: true }))

/** Two folders, as in the containers. */
function places(): AuditKeyOptions & { folders: string[] } {
  const folder = mkdtempSync(join(root, 'run-'))
  const folders = ['key', 'state'].map((name) => join(folder, name))
  for (const path of folders) mkdirSync(path)
  const [keyFolder, stateFolder] = folders as [string, string]
  return { keyFile: join(keyFolder, 'key.pem'), stateFile: join(stateFolder, 's.json'), folders }
}
const filesIn = (folders: string[]) => folders.flatMap((path) => readdirSync(path)).sort()
const publicKeyIn = (keyFile: string): Buffer => {
  const key = createPublicKey(createPrivateKey(readFileSync(keyFile)))
  return Buffer.from(key.export({ format: 'jwk' }).x as string, 'base64url')
}

test('a key and its state are made, for their owner alone, and nothing else', async () => {
  const options = places()
  const { verifierKey, origin, made } = await makeAuditKey(options)
  assert.deepEqual(filesIn(options.folders), ['key.pem', 's.json'])
  const publicKey = publicKeyIn(options.keyFile)
  assert.equal(origin, `localhost/audit/${hash('sha256', publicKey).slice(0, 8)}`)
  const read = readVerifierKey(verifierKey)
  assert.deepEqual([read.name, Buffer.from(read.publicKey)], [origin, publicKey])
  const empty = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
  const state = `{"origin":"${origin}","size":0,"root":"${empty}"}\n`
  assert.deepEqual([readFileSync(options.stateFile, 'utf8'), made], [state, true])
  for (const path of [options.keyFile, options.stateFile]) {
    assert.equal(statSync(path).mode & 0o777, 0o600)
  }
})

test('a pair that is there is as good where that is enough, and is never overwritten', async () => {
  const options = { ...places(), origin: 'gov.example.org/audit' }
  const first = await makeAuditKey(options)
  const before = [options.keyFile, options.stateFile].map((path) => readFileSync(path, 'utf8'))
  const second = await makeAuditKey({ ...options, ifMissing: true })
  assert.deepEqual(second, { ...first, made: false })
  await assert.rejects(makeAuditKey(options), /never overwritten/)
  const other = makeAuditKey({ ...options, origin: 'other.example.org', ifMissing: true })
  await assert.rejects(other, /of the origin gov\.example\.org\/audit/)
  const now = [options.keyFile, options.stateFile].map((path) => readFileSync(path, 'utf8'))
  assert.deepEqual(now, before)
})

test('of the one the other is never made', async () => {
  for (const lost of ['keyFile', 'stateFile'] as const) {
    const options = places()
    await makeAuditKey(options)
    rmSync(options[lost])
    const left = filesIn(options.folders)
    for (const ifMissing of [true, false]) {
      const call = makeAuditKey({ ...options, ifMissing })
      await assert.rejects(call, (error: Error) => {
        assert.ok(error instanceof AuditKeyError)
        assert.ok(error.message.includes(`${options[lost]} is not. Put it back from the backup`))
        return true
      })
    }
    assert.deepEqual(filesIn(options.folders), left)
  }
})

test('a pair that does not belong together, or cannot be read, is refused', async () => {
  const [one, two] = [places(), places()]
  await makeAuditKey(one)
  await makeAuditKey(two)
  renameSync(two.stateFile, one.stateFile)
  await assert.rejects(makeAuditKey({ ...one, ifMissing: true }), /the state of another key/)
  for (const [file, text] of [
    [one.stateFile, '{'],
    [one.stateFile, 'null'],
    [one.stateFile, '{"origin":"a b"}'],
    [one.keyFile, 'no key'],
  ] as const) {
    writeFileSync(file, text)
    await assert.rejects(makeAuditKey({ ...one, ifMissing: true }), AuditKeyError)
  }
})

test('what a crash left between state and key is completed by the next run', async () => {
  for (const keyIsPlaced of [false, true]) {
    const options = places()
    const { verifierKey } = await makeAuditKey(options)
    // As it was before the drafts were removed, and before the key was placed.
    linkSync(options.stateFile, `${options.stateFile}.0a1b2c3d.new`)
    linkSync(options.keyFile, `${options.keyFile}.0a1b2c3d.new`)
    if (!keyIsPlaced) rmSync(options.keyFile)
    const completed = await makeAuditKey({ ...options, ifMissing: true })
    assert.equal(completed.verifierKey, verifierKey)
    assert.deepEqual(filesIn(options.folders), ['key.pem', 's.json'])
  }
})

test('drafts of a run that placed nothing complete nothing', async () => {
  const options = places()
  await makeAuditKey(options)
  // The key was lost; beside it lies what another run left that was ended before its state was placed.
  rmSync(options.keyFile)
  writeFileSync(`${options.keyFile}.0a1b2c3d.new`, 'another key')
  writeFileSync(`${options.stateFile}.0a1b2c3d.new`, readFileSync(options.stateFile))
  await assert.rejects(makeAuditKey({ ...options, ifMissing: true }), /Put it back/)
  assert.equal(filesIn(options.folders).length, 3)
})

test('of many runs at once one makes the pair, and it belongs together', async () => {
  const options = { ...places(), origin: 'log.example' }
  const runs = await Promise.allSettled(Array.from({ length: 20 }, () => makeAuditKey(options)))
  const made = runs.filter((run) => run.status === 'fulfilled')
  assert.equal(made.length, 1)
  for (const run of runs)
    if (run.status === 'rejected') assert.ok(run.reason instanceof AuditKeyError)
  assert.deepEqual(filesIn(options.folders), ['key.pem', 's.json'])
  const found = await makeAuditKey({ ...options, ifMissing: true })
  assert.equal(found.verifierKey, made[0]?.value.verifierKey)
})

test('an origin is visible ASCII without a plus sign, 200 characters at most', async () => {
  for (const origin of ['a', 'gov.example.org/audit', '!~', 'a'.repeat(200)]) {
    assert.equal(isOrigin(origin), true, origin)
  }
  for (const origin of ['', 'a b', 'a+b', 'a\n', '\u007f', 'é', 'a'.repeat(201)]) {
    assert.equal(isOrigin(origin), false, origin)
    const options = places()
    await assert.rejects(makeAuditKey({ ...options, origin }), /1 to 200 visible/)
    assert.deepEqual(filesIn(options.folders), [])
  }
})

test('a folder that is not there is no half of a pair', async () => {
  const options = places()
  const call = makeAuditKey({ ...options, stateFile: join(root, 'nowhere', 's.json') })
  await assert.rejects(call, { code: 'ENOENT' })
  assert.deepEqual(filesIn(options.folders), [])
})
