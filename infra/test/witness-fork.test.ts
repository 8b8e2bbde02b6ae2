import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readCheckpoint, splitNotes } from '../../clients/typescript/src/checkpoint.ts'
import type { ServiceProcess } from '../test-support/service-process.ts'
import {
  append,
  asOwner,
  get,
  logged,
  newDatabase,
  startWitnessedLog,
  verify,
  type Watcher,
  witnessed,
} from '../test-support/witnessed-log.ts'

test('a log that was rewritten and signed again by its own key is not cosigned', async (t) => {
  const { folder, database, signer, verifierKey, watchers, audits, audit } =
    await startWitnessedLog(t, {
      witnesses: 1,
    })
  const [before] = audits as [ServiceProcess]
  const [watcher] = watchers as [Watcher]
  await append(before, 6)
  const kept = await witnessed(before, 6)
  await before.end('SIGTERM')

  // Whoever has the machine has the key, and makes the signer forget.
  const { origin } = JSON.parse(readFileSync(signer.stateFile, 'utf8'))
  const nothing = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
  writeFileSync(signer.stateFile, `${JSON.stringify({ origin, size: 0, root: nothing })}\n`)
  const rewritten = await newDatabase(t)
  const forged = await audit('forged', rewritten)
  await append(forged, 6, 'another subject')
  assert.equal(readCheckpoint((await get(forged, '/checkpoint')).text).size, 6)
  await logged(
    forged,
    /"level":"warn".*it has cosigned another root of this size: this log has forked/,
  )
  await append(forged, 3, 'another subject')
  await logged(forged, /"level":"warn".*this log does not continue the one that it cosigned before/)

  const { status, text } = await get(forged, '/export?fmt=ndjson&witnessed=true')
  assert.deepEqual([status, JSON.parse(text).code], [503, 'not_ready'])
  const whole = (await get(forged, '/export?fmt=ndjson')).text
  // Who pins the key alone does not notice; who requires the witness does.
  assert.equal(await verify(folder, whole, verifierKey, []), 0)
  assert.equal(await verify(folder, whole, verifierKey, [watcher.key]), 4)
  assert.deepEqual(await asOwner(rewritten, 'SELECT * FROM audit_cosignatures'), [])

  // The witness keeps both, signed by the log: proof for anybody.
  const state = join(watcher.folder, 'witness-state')
  const [evidence = ''] = readdirSync(state).filter((name) => name.includes('.fork.'))
  const [mine, theirs] = splitNotes(readFileSync(join(state, evidence), 'utf8')).map(readCheckpoint)
  assert.equal(mine?.root, readCheckpoint(kept).root)
  assert.deepEqual([mine?.size, theirs?.size, mine?.root === theirs?.root], [6, 6, false])

  // Cosignatures of the true log, carried over into the forged one, are not passed off as its own.
  const carried = await asOwner(database, 'SELECT * FROM audit_cosignatures')
  for (const { size, root, witness, line } of carried) {
    const values = [size, root, origin, witness, line]
    await asOwner(rewritten, 'SELECT audit_store_cosignature($1, $2, $3, $4, $5)', values)
  }
  const refused = await get(forged, '/checkpoint?witnessed=true')
  assert.deepEqual([refused.status, JSON.parse(refused.text).code], [503, 'signer_refused'])
})
