import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { NoteError, readVerifierKey } from '../src/signed-note.ts'
import {
  judge,
  NOTHING_SEEN,
  type RefusalStatus,
  readAddCheckpoint,
  trustedSignatures,
  WitnessRefusal,
} from '../src/witness.ts'
import { TestLog } from './witness-log.ts'

const MOST = 24
const entries = Array.from({ length: MOST }, (_, i) => hash('sha256', `entry ${i + 1}`))
const log = new TestLog(entries)
const fork = new TestLog(entries.with(2, hash('sha256', 'rewritten')))

/** The example of C2SP tlog-witness, whose keys are not published. */
const EXAMPLE = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`

const seenAt = (size: number) => ({ size, root: log.root(size) })
const refusedWith = (status: RefusalStatus, work: () => unknown, message?: string) =>
  assert.throws(
    work,
    (error) => error instanceof WitnessRefusal && error.status === status,
    message,
  )

test('the example of the protocol is read', () => {
  const { old, hashes, checkpoint } = readAddCheckpoint(EXAMPLE)
  assert.deepEqual([old, hashes.length], [20852014, 4])
  assert.deepEqual([checkpoint.origin, checkpoint.size], ['example.com/behind-the-sofa', 20852163])
  assert.equal(hashes[0]?.slice(0, 8), '3e544d0a')
})

test('a body of another form is refused', () => {
  const [note, proof] = [log.note(5), log.proof(3, 5)]
  for (const [why, head] of Object.entries({
    'nothing in front of the note': '',
    'no old size': `${proof}\n`,
    'no size behind old': `old \n${proof}\n`,
    'two spaces': `old  3\n${proof}\n`,
    'a space behind it': `old 3 \n${proof}\n`,
    'a leading zero': `old 03\n${proof}\n`,
    'a sign': `old +3\n${proof}\n`,
    hex: `old 0x3\n${proof}\n`,
    'a size beyond 2^53 − 1': `old 9007199254740992\n${proof}\n`,
    'another word': `size 3\n${proof}\n`,
    'CR in front of LF': `old 3\r\n${proof}\n`,
    'a hash without padding': `old 3\n${proof.replaceAll('=', '')}\n`,
    'a hash of 31 bytes': `old 3\n${Buffer.alloc(31).toString('base64')}\n\n`,
    'a hash with stray bits': `old 3\n${proof.replace(/.=/, '/=')}\n`,
    '64 hashes': `old 3\n${`${Buffer.alloc(32).toString('base64')}\n`.repeat(64)}\n`,
    'a blank line too many': `old 3\n\n${proof}\n`,
  })) {
    assert.throws(
      () => readAddCheckpoint(head + note),
      (error) =>
        error instanceof NoteError || (error instanceof WitnessRefusal && error.status === 400),
      why,
    )
  }
  assert.throws(() => readAddCheckpoint(`old 3\n${proof}\n${note.trimEnd()}`), NoteError)
  refusedWith(400, () => readAddCheckpoint(`old 3\n${proof}`))
})

test('every continuation of every size is cosigned, and no other', () => {
  for (let old = 0; old <= MOST; old++) {
    for (let size = old; size <= MOST; size++) {
      const right = readAddCheckpoint(log.request(old, size))
      judge(right, seenAt(old))
      const { hashes } = right
      for (const wrong of [
        ...hashes.map((_, i) => hashes.toSpliced(i, 1)),
        ...hashes.map((_, i) => hashes.with(i, hash('sha256', 'x'))),
        [...hashes, hash('sha256', 'x')],
      ]) {
        refusedWith(422, () => judge({ ...right, hashes: wrong }, seenAt(old)), `${old}, ${size}`)
      }
      if (old < 3 || size === old) continue
      refusedWith(422, () => judge(readAddCheckpoint(fork.request(old, size)), seenAt(old)))
    }
  }
})

test('the same size is cosigned with the same root only', () => {
  judge(readAddCheckpoint(log.request(5, 5)), seenAt(5))
  refusedWith(409, () => judge(readAddCheckpoint(fork.request(5, 5)), seenAt(5)))
  judge(readAddCheckpoint(log.request(0, 0)), NOTHING_SEEN)
  const { checkpoint } = readAddCheckpoint(log.request(0, 0))
  const odd = { old: 0, hashes: [], checkpoint: { ...checkpoint, root: log.root(1) } }
  refusedWith(409, () => judge(odd, NOTHING_SEEN))
})

test('another old size than that of the last cosignature is refused, with that size', () => {
  for (const old of [0, 4, 6]) {
    assert.throws(
      () => judge(readAddCheckpoint(log.request(old, 9)), seenAt(5)),
      (error) => error instanceof WitnessRefusal && error.status === 409 && error.seenSize === 5,
    )
  }
  const { hashes, checkpoint } = readAddCheckpoint(log.request(3, 4))
  refusedWith(400, () => judge({ old: 5, hashes, checkpoint }, seenAt(5)))
})

test('a checkpoint counts only with the signature of a key that is trusted for its origin', () => {
  const key = readVerifierKey(log.vkey)
  const other = readVerifierKey(new TestLog(entries, 'example.org/other').vkey)
  const logs = new Map([[key.name, [key]]])
  const { checkpoint } = readAddCheckpoint(log.request(0, 5))
  assert.equal(trustedSignatures(checkpoint, logs).length, 1)
  refusedWith(404, () => trustedSignatures(checkpoint, new Map([[other.name, [other]]])))
  refusedWith(403, () => trustedSignatures(checkpoint, new Map([[key.name, [other]]])))
  const altered = { ...checkpoint.note, text: checkpoint.note.text.replace('5', '6') }
  refusedWith(403, () => trustedSignatures({ ...checkpoint, note: altered }, logs))
  // A signature of a trusted key that is wrong is not made good by another one.
  const [right] = checkpoint.note.signatures
  assert.ok(right)
  const wrong = { ...right, bytes: new Uint8Array(64) }
  const both = { ...checkpoint.note, signatures: [wrong, right] }
  refusedWith(403, () => trustedSignatures({ ...checkpoint, note: both }, logs))
})
