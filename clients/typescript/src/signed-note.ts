import { fromBase64, sha256Hex, toBase64, toBytes, toHex, writeHex } from './bytes.ts'
import { isStrictPoint, publicKeyOf, signEd25519, verifyEd25519 } from './ed25519.ts'

/** Why a text is no verifier key, no signed note or no checkpoint. The message never repeats the text. */
export class NoteError extends Error {
  override readonly name = 'NoteError'
}

/** What a key signs: `log` the text of a note (0x01), `witness` that it saw a checkpoint, and when (0x04). */
export type KeyType = 'log' | 'witness'

/** A public key with the name under which it signs (C2SP signed-note, verifier keys). */
export interface VerifierKey {
  /** Without white space and `+`. Of a log it is the origin of its checkpoints. */
  name: string
  /** Eight hex digits: SHA256( name ‖ 0x0A ‖ type ‖ public key )[:4]. */
  id: string
  type: KeyType
  /** The 32 bytes of the Ed25519 key. */
  publicKey: Uint8Array
}

export interface NoteSignature {
  name: string
  /** Key id in hex. */
  id: string
  /** What follows the key id: 64 bytes of a log, 8 + 64 of a witness. */
  bytes: Uint8Array
}

/** A text and the signatures below it. That there are signatures says nothing about whose they are. */
export interface SignedNote {
  /** What is signed, its last LF included. */
  text: string
  signatures: readonly NoteSignature[]
}

const TYPE_BYTES: Readonly<Record<KeyType, number>> = { log: 1, witness: 4 }
const MAX_NOTE_BYTES = 65_536
const MAX_SIGNATURES = 100
const SIGNATURE_START = '\u2014 '
/** C2SP tlog-cosignature: a time must not exceed it. */
const MAX_TIME = 2n ** 63n - 1n
const NAME = /^[^+\p{White_Space}]+$/u
// biome-ignore lint/suspicious/noControlCharactersInRegex: notes must not hold these
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/

/** A key under a name. Throws {@link NoteError} for a name that no line of a note can hold. */
export function makeVerifierKey(
  name: string,
  publicKey: Uint8Array,
  type: KeyType = 'log',
): VerifierKey {
  if (!isName(name))
    throw new NoteError('the name of a key has no white space, no "+", and is not empty')
  if (publicKey.length !== 32 || !isStrictPoint(publicKey)) {
    throw new NoteError('the public key is of small order or not canonical: anybody can sign')
  }
  const head = toBytes(`${name}\n`)
  const bytes = Uint8Array.of(...head, TYPE_BYTES[type], ...publicKey)
  return { name, id: sha256Hex(bytes).slice(0, 8), type, publicKey }
}

/** The text of a key, which an outsider pins: `<name>+<key id>+<base64( type ‖ public key )>`. */
export function verifierKeyText({ name, id, type, publicKey }: VerifierKey): string {
  return `${name}+${id}+${toBase64(Uint8Array.of(TYPE_BYTES[type], ...publicKey))}`
}

/**
 * The key that a text says, of the type that is needed. `text` may come from anybody. Throws {@link NoteError}.
 */
export function readVerifierKey(text: string, type: KeyType = 'log'): VerifierKey {
  const [, name = '', id = '', base64 = ''] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(text) ?? []
  const bytes = fromBase64(base64)
  if (!isName(name) || !bytes || bytes.length !== 33) {
    throw new NoteError('a verifier key is <name>+<8 hex digits>+<base64 of 33 bytes>')
  }
  if (bytes[0] !== TYPE_BYTES[type]) throw new NoteError(`this is not the key of a ${type}`)
  const key = makeVerifierKey(name, bytes.subarray(1), type)
  if (key.id !== id) throw new NoteError('the key id is not that of this name and key: mistyped?')
  return key
}

/** The parts of a signed note. `note` may come from anybody. Throws {@link NoteError}. */
export function readNote(note: string): SignedNote {
  const isText = note.isWellFormed() && !CONTROL.test(note)
  if (!isText || toBytes(note).length > MAX_NOTE_BYTES) {
    throw new NoteError('a note is text of at most 64 KiB without control characters')
  }
  const blank = note.lastIndexOf('\n\n')
  const lines = note.slice(blank + 2).split('\n')
  if (blank === -1 || lines.pop() !== '' || lines.length === 0) {
    throw new NoteError('a note is a text, a blank line, and signatures, each line ended by LF')
  }
  if (lines.length > MAX_SIGNATURES) {
    throw new NoteError(`a note has at most ${MAX_SIGNATURES} signatures`)
  }
  return { text: note.slice(0, blank + 1), signatures: lines.map(readSignature) }
}

function readSignature(line: string): NoteSignature {
  const [start, name, base64, ...rest] = line.split(' ')
  const bytes = fromBase64(base64 ?? '')
  const fits = `${start} ` === SIGNATURE_START && rest.length === 0 && isName(name ?? '')
  if (!fits || !bytes || bytes.length < 5) {
    throw new NoteError('a line of signatures is not "\u2014 <name> <base64>"')
  }
  return { name: name as string, id: toHex(bytes.subarray(0, 4)), bytes: bytes.subarray(4) }
}

/** The text of a note. */
export function noteText({ text, signatures }: SignedNote): string {
  return `${text}\n${signatures.map(signatureLine).join('')}`
}

/** One line of signatures, with its LF. */
export function signatureLine({ name, id, bytes }: NoteSignature): string {
  const whole = new Uint8Array(4 + bytes.length)
  writeHex(id, whole, 0)
  whole.set(bytes, 4)
  return `${SIGNATURE_START}${name} ${toBase64(whole)}\n`
}

/** Whether the key of a log signed a note. Of several lines with its name and id the first one counts. */
export function isSignedBy(note: SignedNote, key: VerifierKey): boolean {
  const signature = signatureOf(note, key, 'log')
  return !!signature && verifyEd25519(key.publicKey, toBytes(note.text), signature.bytes)
}

/** When a witness cosigned a note, in seconds since 1970; null if it did not. */
export function cosignedAt(note: SignedNote, key: VerifierKey): bigint | null {
  const bytes = signatureOf(note, key, 'witness')?.bytes
  if (bytes?.length !== 72) return null
  const time = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)
  const message = cosignedMessage(note.text, time)
  const isRight = time <= MAX_TIME && verifyEd25519(key.publicKey, message, bytes.subarray(8))
  return isRight ? time : null
}

function signatureOf({ signatures }: SignedNote, key: VerifierKey, type: KeyType) {
  if (key.type !== type) return undefined
  return signatures.find(({ name, id }) => name === key.name && id === key.id)
}

/** Signs the text of a note, which ends in LF. `seed` is the 32 bytes of the private key. */
export function signNote(text: string, name: string, seed: Uint8Array): NoteSignature {
  const { id } = makeVerifierKey(name, publicKeyOf(seed))
  return { name, id, bytes: signEd25519(seed, toBytes(text)) }
}

/** Cosigns the text of a note as a witness. `time` is in seconds since 1970. */
export function cosignNote(
  text: string,
  name: string,
  seed: Uint8Array,
  time: bigint,
): NoteSignature {
  const { id } = makeVerifierKey(name, publicKeyOf(seed), 'witness')
  const bytes = new Uint8Array(72)
  new DataView(bytes.buffer).setBigUint64(0, time)
  bytes.set(signEd25519(seed, cosignedMessage(text, time)), 8)
  return { name, id, bytes }
}

function cosignedMessage(text: string, time: bigint): Uint8Array {
  return toBytes(`cosignature/v1\ntime ${time}\n${text}`)
}

function isName(name: string): boolean {
  return NAME.test(name) && name.isWellFormed()
}
