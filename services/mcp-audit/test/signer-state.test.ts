import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { readState, replaceState } from '../src/signer/signer-state.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signer-state-'))
  file = join(folder, 'state.json')
  const { root, ...rest } = stateOf(100)
  writeFileSync(file, `${JSON.stringify({ ...rest, root: root.toString('base64') })}\n`)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const stateOf = (size: number, fill = 0) => ({
  ...{ origin: 'example.org/audit', size },
  root: Buffer.alloc(32, fill),
})

test('of signers that would replace the same state one does, whatever database each of them has', async () => {
  const drafts = Array.from({ length: 8 }, (_, n) => stateOf(120 + n, n))
  const ended = await Promise.allSettled(
    drafts.map((state) => replaceState(file, state, stateOf(100))),
  )
  const won = ended.flatMap(({ status }, n) => (status === 'fulfilled' ? [drafts[n]] : []))
  assert.deepEqual(won, [readState(file)])
  for (const one of ended) {
    if (one.status === 'rejected') assert.match(one.reason.message, /another signer/)
  }
  assert.deepEqual(readdirSync(folder), ['state.json'])
})

test('a draft of a process that was killed keeps nobody from writing for long', async () => {
  writeFileSync(`${file}.new`, '{"orig')
  await replaceState(file, stateOf(101), stateOf(100))
  assert.equal(readState(file)?.size, 101)
  assert.deepEqual(readdirSync(folder), ['state.json'])
})
