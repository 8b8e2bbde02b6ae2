import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { fillLog } from '@ai-governance/infra/test-support/fill-log'
import { Client } from 'pg'
import { EVENT, ORIGIN, startService } from './service.ts'

let service: Awaited<ReturnType<typeof startService>>
let owner: Client
beforeEach(async () => {
  service = await startService()
  owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
})
afterEach(async () => {
  await owner.end()
  await service.stop()
})

const get = (url: string) => service.app.inject({ url })

/** Appends until the log has `size` entries. */
const fill = (size: number) => fillLog(owner, size)

describe('nothing is signed', () => {
  const refused = async (code: string, url = '/checkpoint') => {
    const answer = await get(url)
    assert.deepEqual([answer.statusCode, answer.json().code], [503, code])
    return answer.json().detail as string
  }
  const unguarded = async (sql: string) => {
    await owner.query("SET session_replication_role = 'replica'")
    await owner.query(sql)
    await owner.query("SET session_replication_role = 'origin'")
  }

  test('without a key, and an append that asks for a proof appends nothing', async () => {
    const bare = await startService({ signs: false })
    try {
      for (const url of [
        '/checkpoint',
        '/checkpoint/key',
        '/proof/inclusion?id=1',
        '/tile/0/000',
      ]) {
        const answer = await bare.app.inject({ url })
        assert.deepEqual([answer.statusCode, answer.json().code], [503, 'signing_key_missing'])
      }
      const headers = { 'content-type': 'application/json' }
      const payload = JSON.stringify(EVENT)
      const log = { method: 'POST', url: '/log?proof=true', headers, payload } as const
      assert.equal((await bare.app.inject(log)).json().code, 'signing_key_missing')
      assert.equal((await bare.app.inject({ url: '/events' })).json().length, 0)
    } finally {
      await bare.stop()
    }
  })

  test('without the state of the signer, which is not made anew', async () => {
    await fill(3)
    rmSync(service.signer.stateFile)
    await refused('signer_state_missing')
    await refused('signer_state_missing', '/checkpoint/key')
    assert.throws(() => readFileSync(service.signer.stateFile))
  })

  test('with a state that cannot be read', async () => {
    writeFileSync(service.signer.stateFile, '{')
    await refused('signer_refused')
  })

  test('with a state of the right size and another root, also while nothing is appended', async () => {
    await fill(300)
    const signed = (await get('/checkpoint')).body
    const state = JSON.parse(readFileSync(service.signer.stateFile, 'utf8'))
    const root = Buffer.alloc(32, 7).toString('base64')
    writeFileSync(service.signer.stateFile, JSON.stringify({ ...state, root }))
    assert.match(await refused('signer_refused'), /rewritten/)
    await refused('signer_refused', '/proof/inclusion?id=1')
    writeFileSync(service.signer.stateFile, JSON.stringify(state))
    assert.equal((await get('/checkpoint')).body, signed)
  })

  test('with a name in the state that would be lines of the note', async () => {
    await fill(2)
    await get('/checkpoint')
    const state = JSON.parse(readFileSync(service.signer.stateFile, 'utf8'))
    for (const origin of [`${ORIGIN}\n2\n${state.root}`, `${ORIGIN} x`, `${ORIGIN}+x`, '', 'ü']) {
      writeFileSync(service.signer.stateFile, JSON.stringify({ ...state, origin }))
      await refused('signer_refused')
      await refused('signer_refused', '/checkpoint/key')
    }
  })

  test('nor shown of a tree that a new process has not yet compared', async () => {
    await fill(1_100)
    await get('/checkpoint')
    await unguarded("UPDATE audit_subtrees SET root = sha256('x') WHERE index = 3")
    const other = service.start()
    const answers = await Promise.all(
      ['/checkpoint', ...Array.from({ length: 20 }, () => '/tile/1/000.p/4')].map((url) =>
        other.app.inject({ url }),
      ),
    )
    await other.app.close()
    await other.close()
    assert.deepEqual([...new Set(answers.map(({ statusCode }) => statusCode))], [503])
  })

  test('over a database that went backwards, seen by the process that signed and by a new one', async () => {
    await fill(600)
    await get('/checkpoint')
    await unguarded('DELETE FROM audit_log WHERE id > 590')
    await unguarded('DELETE FROM audit_subtrees WHERE index > 1')
    assert.match(await refused('signer_refused'), /went backwards/)
    const other = service.start()
    assert.equal((await other.app.inject({ url: '/checkpoint' })).json().code, 'signer_refused')
    await other.app.close()
    await other.close()
  })

  test('over a database whose end was rewritten with right hashes', async () => {
    await fill(5)
    await get('/checkpoint')
    await unguarded('DELETE FROM audit_log WHERE id > 3')
    await fill(12)
    assert.match(await refused('signer_refused'), /rewritten/)
    const other = service.start()
    const answer = await other.app.inject({ url: '/checkpoint' })
    assert.match(answer.json().detail, /rewritten/)
    await other.app.close()
    await other.close()
  })

  test('by a new process over a subtree that was altered or dropped', async () => {
    await fill(600)
    await get('/checkpoint')
    for (const sql of [
      "UPDATE audit_subtrees SET root = sha256('x') WHERE index = 0",
      'DELETE FROM audit_subtrees WHERE index = 0',
    ]) {
      await unguarded(sql)
      const other = service.start()
      const answer = await other.app.inject({ url: '/checkpoint' })
      assert.equal(answer.json().code, 'signer_refused', sql)
      await other.app.close()
      await other.close()
    }
  })

  test('again once the database is what it was', async () => {
    await fill(5)
    const signed = (await get('/checkpoint')).body
    await unguarded(
      'CREATE TABLE kept AS SELECT * FROM audit_log; DELETE FROM audit_log WHERE id = 5',
    )
    await refused('signer_refused')
    await unguarded('INSERT INTO audit_log SELECT * FROM kept WHERE id = 5')
    assert.equal((await get('/checkpoint')).body, signed)
  })
})
