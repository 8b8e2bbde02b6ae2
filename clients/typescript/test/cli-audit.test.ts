import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readVerifierKey } from '../src/signed-note.ts'
import { aigov, aigovWithoutSpace } from './aigov.ts'
import { exportOf } from './entries.ts'
import { problem, serve } from './server.ts'
import { entryHashesOf, Signer } from './signed-log.ts'

let root: string
before(() => {
  root = mkdtempSync(join(tmpdir(), 'aigov-audit-'))
})
after(() => rmSync(root, { recursive: true, force: true }))

const folder = () => mkdtempSync(join(root, 'run-'))
const KEYGEN = ['audit', 'keygen', '--key', 'key.pem', '--state', 'state.json']

test('keygen writes key and state for their owner alone, and prints the verifier key', async () => {
  const cwd = folder()
  const { code, out, err } = await aigov([...KEYGEN, '--origin', 'log.example'], { cwd })
  assert.equal(code, 0, err)
  assert.equal(readVerifierKey(out.trimEnd()).name, 'log.example')
  assert.match(err, /key\.pem \(keep it secret/)
  for (const name of ['key.pem', 'state.json']) {
    assert.equal(statSync(join(cwd, name)).mode & 0o777, 0o600)
  }
  const again = await aigov(KEYGEN, { cwd })
  assert.deepEqual([again.code, again.out], [2, ''])
  assert.match(again.err, /^key\.pem is there already, and a key is never overwritten\.\n$/)
  const content = await aigov([...KEYGEN, '--if-missing', '--json'], { cwd })
  assert.equal(content.code, 0)
  assert.match(content.err, /nothing to do/)
  assert.deepEqual(JSON.parse(content.out), {
    verifier_key: out.trimEnd(),
    origin: 'log.example',
    key_file: 'key.pem',
    state_file: 'state.json',
    made: false,
  })
})

test('keygen never completes a key whose state is lost, nor the other way round', async () => {
  for (const lost of ['key.pem', 'state.json']) {
    const cwd = folder()
    await aigov(KEYGEN, { cwd })
    rmSync(join(cwd, lost))
    const { code, out, err } = await aigov([...KEYGEN, '--if-missing'], { cwd })
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, new RegExp(`${lost} is not\\. Put it back from the backup`))
    assert.equal(existsSync(join(cwd, lost)), false)
  }
})

test('keygen on a full disk, or where no folder is, is exit code 1 and leaves nothing', async () => {
  const cwd = folder()
  assert.equal((await aigovWithoutSpace(KEYGEN, cwd)).code, 1)
  assert.deepEqual(readdirSync(cwd), [])
  const nowhere = await aigov(['audit', 'keygen', '--key', 'a/b', '--state', 's'], { cwd })
  assert.equal(nowhere.code, 1)
  assert.match(nowhere.err, /ENOENT/)
  assert.deepEqual(readdirSync(cwd), [])
})

const signer = new Signer('log.example')
const NOTE = signer.note(entryHashesOf(exportOf([{}, {}])))

test('the verifier key and the checkpoint of a log are printed as they came', async (t) => {
  const cwd = folder()
  const { url, received } = await serve(t, (response, { url: path }) =>
    response.end(path.endsWith('/key') ? `${signer.verifierKey()}\n` : NOTE),
  )
  const run = (...args: string[]) => aigov(['audit', ...args, '--url', url], { cwd })
  const key = await run('key')
  assert.deepEqual([key.code, key.out], [0, `${signer.verifierKey()}\n`])
  writeFileSync(join(cwd, 'log.vkey'), key.out)
  for (const more of [['--witnessed'], ['--key', 'log.vkey'], ['--key', signer.verifierKey()]]) {
    const { code, out } = await run('checkpoint', ...more)
    assert.deepEqual([code, out], [0, NOTE])
  }
  assert.equal(received[1]?.url, '/mcp-audit/checkpoint?witnessed=true')
  assert.equal(received[2]?.url, '/mcp-audit/checkpoint')
  const { origin, size, checkpoint } = JSON.parse((await run('checkpoint', '--json')).out)
  assert.deepEqual([origin, size, checkpoint], ['log.example', 2, NOTE])
  const forged = await run('checkpoint', '--key', new Signer('other.example').verifierKey())
  assert.deepEqual([forged.code, forged.out], [4, ''])
  assert.match(forged.err, /not signed by the key/)
})

test('a log without checkpoints is exit code 7, and what is no checkpoint too', async (t) => {
  const none = await serve(t, (response) => problem(response, 503, 'signing_key_missing'))
  const refused = await aigov(['audit', 'key', '--url', none.url, '--timeout', '1'])
  assert.equal(refused.code, 7)
  assert.match(refused.err, /signing_key_missing \(503\)/)
  const odd = await serve(t, (response) => response.end('<html>'))
  assert.deepEqual((await aigov(['audit', 'checkpoint', '--url', odd.url])).code, 7)
})
