import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCheckpoint, splitNotes } from '../src/checkpoint.ts'
import { verifyEd25519 } from '../src/ed25519.ts'
import {
  cosignedAt,
  cosignNote,
  isSignedBy,
  type KeyType,
  NoteError,
  noteText,
  readNote,
  readVerifierKey,
  signatureLine,
  signNote,
  verifierKeyText,
} from '../src/signed-note.ts'
import { readVectors } from './vectors.ts'

const TYPES: Readonly<Record<number, KeyType>> = { 1: 'log', 4: 'witness' }
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

interface KeyVector {
  name: string
  key: string
  type: number
  ok: boolean
  origin?: string
  key_id?: string
  public_key?: string
}
interface NoteVector {
  name: string
  /** The note, or its bytes in hex where they are no text. */
  note?: string
  hex?: string
  ok: boolean
  origin?: string
  size?: number
  root?: string
}
interface SignatureVector {
  name: string
  note: string
  key: string
  type?: number
  ok: boolean
  seed?: string
  text?: string
  time?: string
  line?: string
}
const { keys, ed25519, notes, signatures, files } = readVectors<{
  keys: KeyVector[]
  ed25519: { name: string; public_key: string; message: string; signature: string; ok: boolean }[]
  notes: NoteVector[]
  signatures: SignatureVector[]
  files: { name: string; text: string; notes: string[] | null }[]
}>('checkpoints.json')

for (const { name, key, type, ok, origin, key_id, public_key } of keys) {
  test(`verifier key of the vectors: ${name}`, () => {
    const read = () => readVerifierKey(key, TYPES[type])
    if (!ok) return assert.throws(read, NoteError)
    const found = read()
    const hex = Buffer.from(found.publicKey).toString('hex')
    assert.deepEqual([found.name, found.id, hex], [origin, key_id, public_key])
    assert.equal(verifierKeyText(found), key)
  })
}

for (const { name, public_key, message, signature, ok } of ed25519) {
  test(`strict Ed25519 of the vectors: ${name}`, () => {
    assert.equal(verifyEd25519(bytes(public_key), bytes(message), bytes(signature)), ok)
  })
}

for (const { name, note, hex = '', ok, ...expected } of notes) {
  test(`note of the vectors: ${name}`, () => {
    if (note === undefined) {
      const decoder = new TextDecoder('utf-8', { fatal: true })
      assert.throws(() => decoder.decode(bytes(hex)), TypeError)
      assert.equal(ok, false)
    } else if (ok) {
      const { note: read, ...checkpoint } = readCheckpoint(note)
      assert.deepEqual(checkpoint, expected)
      assert.equal(noteText(read), note)
    } else {
      assert.throws(() => readCheckpoint(note), NoteError)
    }
  })
}

/** The key of a vector, of whichever type it is. */
const anyKey = (text: string) => {
  try {
    return readVerifierKey(text)
  } catch {
    return readVerifierKey(text, 'witness')
  }
}

for (const vector of signatures) {
  test(`signature of the vectors: ${vector.name}`, () => {
    const note = readNote(vector.note)
    const key = anyKey(vector.key)
    const holds = key.type === 'log' ? isSignedBy(note, key) : cosignedAt(note, key) !== null
    assert.equal(holds, vector.ok)
    if (vector.time !== undefined && vector.ok) {
      assert.equal(cosignedAt(note, key), BigInt(vector.time))
    }
    if (vector.seed === undefined || vector.text === undefined) return
    const seed = bytes(vector.seed)
    const made =
      key.type === 'log'
        ? signNote(vector.text, key.name, seed)
        : cosignNote(vector.text, key.name, seed, BigInt(vector.time as string))
    assert.equal(signatureLine(made), vector.line)
  })
}

for (const { name, text, notes: expected } of files) {
  test(`file of notes of the vectors: ${name}`, () => {
    const found = splitNotes(text)
    const isRead = found.length > 0 && found.every(isReadable)
    assert.deepEqual(isRead ? found : null, expected)
  })
}

function isReadable(note: string): boolean {
  try {
    return readCheckpoint(note).size >= 0
  } catch (error) {
    assert.ok(error instanceof NoteError)
    return false
  }
}
