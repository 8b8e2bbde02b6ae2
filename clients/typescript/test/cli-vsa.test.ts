import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { aigov, type Ended } from './aigov.ts'
import { json, problem, serve } from './server.ts'
import { readVectors } from './vectors.ts'

const { key, statement, cases } = readVectors<{
  key: string
  statement: string
  cases: { name: string; envelope: unknown; verified: boolean }[]
}>('vsa.json')
const signed = cases[0]?.envelope as object
const SHA = `sha256:${'c0'.repeat(32)}`

interface Run extends Ended {
  /** What was asked of the server. */
  urls: string[]
  cwd: string
}

/** `aigov vsa` in a folder of its own, against a server that gives this envelope. */
async function vsa(t: TestContext, envelope: unknown, ...args: string[]): Promise<Run> {
  const cwd = mkdtempSync(join(tmpdir(), 'aigov-vsa-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  const { url, received } = await serve(t, (response) => json(response, envelope))
  const ended = await aigov(['vsa', ...args, '--url', url], { cwd })
  return { ...ended, urls: received.map((one) => one.url), cwd }
}

test('aigov vsa shows what the key signed, and keeps its envelope', async (t) => {
  const args = ['7', '--key', key, '--artifact', SHA, '--out', 'vsa.json']
  const { code, out, err, urls, cwd } = await vsa(t, signed, ...args)
  assert.deepEqual([code, err, urls], [0, '', ['/mcp-audit/events/7/vsa']])
  assert.match(out, /^VERIFIED {2}PASSED {2}entry 7\n/)
  assert.ok(out.includes(`  ${SHA}\n`))
  assert.deepEqual(JSON.parse(readFileSync(join(cwd, 'vsa.json'), 'utf8')), signed)
})

test('aigov vsa takes the key from a file, and gives the statement as JSON', async (t) => {
  const file = join(mkdtempSync(join(tmpdir(), 'aigov-vsa-key-')), 'log.vkey')
  t.after(() => rmSync(join(file, '..'), { recursive: true }))
  writeFileSync(file, `${key}\n`)
  const { code, out } = await vsa(t, signed, '7', '--key', file, '--json')
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(out), { ok: true, summary: JSON.parse(statement) })
})

test('aigov vsa ends with 3 for a denial, and with 4 for what the key did not sign of its log', async (t) => {
  for (const [name, expected] of [
    ['of a denial', 3],
    ['signed by another key', 4],
    ['by another verifier', 4],
    ['that is no JSON', 4],
  ] as const) {
    const found = cases.find((one) => one.name === name)
    const { code, out } = await vsa(t, found?.envelope, '7', '--key', key)
    assert.equal(code, expected, `${name}: ${out}`)
    assert.ok(out.startsWith(found?.verified ? 'VERIFIED  FAILED' : 'NOT VERIFIED'), name)
  }
})

for (const [what, envelope, args] of [
  ['no signature', { ...signed, signatures: [] }, ['7']],
  ['no envelope', {}, ['7']],
  ['the summary of another entry', signed, ['8']],
  ['a summary of other artifacts', signed, ['7', '--artifact', `sha256:${'c1'.repeat(32)}`]],
  ['a digest of another kind', signed, ['7', '--artifact', `sha384:${'c0'.repeat(48)}`]],
] as [string, unknown, string[]][]) {
  test(`aigov vsa does not verify ${what}, and keeps nothing`, async (t) => {
    const { code, out, cwd } = await vsa(t, envelope, ...args, '--key', key, '--out', 'vsa.json')
    assert.equal(code, 4)
    assert.match(out, /^NOT VERIFIED/)
    assert.deepEqual(readdirSync(cwd), [])
  })
}

test('aigov vsa asks nothing where it was not given what it needs', async (t) => {
  for (const args of [
    ['7'],
    ['0', '--key', key],
    ['9007199254740993', '--key', key],
    ['seven', '--key', key],
    ['7', '--key', 'no+key'],
    ['7', '--key', key, '--artifact', 'weights.bin'],
  ]) {
    const { code, urls } = await vsa(t, signed, ...args)
    assert.deepEqual([code, urls], [2, []], args.join(' '))
  }
})

test('aigov vsa says what to do about a decision that names no artifact', async (t) => {
  const { url } = await serve(t, (response) => problem(response, 409, 'no_subject'))
  const { code, err } = await aigov(['vsa', '7', '--key', key, '--url', url])
  assert.equal(code, 7)
  assert.match(err, /name them in the payload/)
})
