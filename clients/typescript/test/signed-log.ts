import { createPrivateKey, createPublicKey, hash, sign } from 'node:crypto'
import { inclusionProof, leavesOf, rootOf } from './tree.ts'

/** A log that signs its checkpoints: made from docs/FORMATS.md, without the code under test. */
export class Signer {
  readonly origin: string
  readonly #key: ReturnType<typeof createPrivateKey>

  /** `name` is both the origin and what its key is made from. */
  constructor(name: string) {
    this.origin = name
    const head = Buffer.from('302e020100300506032b657004220420', 'hex')
    const seed = hash('sha256', name, 'buffer')
    this.#key = createPrivateKey({ key: Buffer.concat([head, seed]), format: 'der', type: 'pkcs8' })
  }

  /** `type` 1 is the key of a log, 4 that of a witness. */
  verifierKey(type: 1 | 4 = 1): string {
    const { id, bytes } = this.#identity(type)
    return `${this.origin}+${id.toString('hex')}+${bytes.toString('base64')}`
  }

  /** The signed checkpoint of a log of these entry hashes. */
  note(entryHashes: readonly string[]): string {
    const root = Buffer.from(rootOf(leavesOf(entryHashes)), 'hex').toString('base64')
    const text = `${this.origin}\n${entryHashes.length}\n${root}\n`
    return `${text}\n${this.#line(1, sign(null, Buffer.from(text), this.#key))}`
  }

  /** A note with a line of this witness, at a time in seconds. */
  cosigned(note: string, time = 1_764_000_000n): string {
    const text = note.slice(0, note.lastIndexOf('\n\n') + 1)
    const message = Buffer.from(`cosignature/v1\ntime ${time}\n${text}`)
    const stamp = Buffer.alloc(8)
    stamp.writeBigUInt64BE(time)
    return note + this.#line(4, Buffer.concat([stamp, sign(null, message, this.#key)]))
  }

  #line(type: 1 | 4, signature: Buffer): string {
    const bytes = Buffer.concat([this.#identity(type).id, signature])
    return `\u2014 ${this.origin} ${bytes.toString('base64')}\n`
  }

  #identity(type: 1 | 4): { id: Buffer; bytes: Buffer } {
    const { x } = createPublicKey(this.#key).export({ format: 'jwk' })
    const bytes = Buffer.concat([Buffer.of(type), Buffer.from(x as string, 'base64url')])
    const named = Buffer.concat([Buffer.from(`${this.origin}\n`), bytes])
    return { id: hash('sha256', named, 'buffer').subarray(0, 4), bytes }
  }
}

export const entryHashesOf = (lines: readonly string[]): string[] =>
  lines.slice(0, -1).map((line) => JSON.parse(line).entry_hash)

/**
 * The lines of an export from entry 1, signed. `log` are the entry hashes of the whole log where the export ends
 * before it does; `change` is what becomes of the note before it is put into the trailer.
 */
export function signedExport(
  lines: readonly string[],
  signer: Signer,
  log = entryHashesOf(lines),
  change: (note: string) => string = (note) => note,
): string[] {
  const trailer = JSON.parse(lines.at(-1) as string)
  const signed = {
    ...trailer,
    checkpoint: change(signer.note(log)),
    verifier_key: signer.verifierKey(),
    ...(log.length > trailer.last_id && {
      inclusion: inclusionProof(trailer.last_id - 1, leavesOf(log)).map((hex) =>
        Buffer.from(hex, 'hex').toString('base64'),
      ),
    }),
  }
  return [...lines.slice(0, -1), JSON.stringify(signed)]
}
