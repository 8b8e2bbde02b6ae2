import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { EnvironmentError, unreadable } from '@ai-governance/common/environment'
import { isStrictPoint, publicKeyBytes } from '@ai-governance/common/formats/ed25519'

/** A key that AI bills of materials may be signed with. */
export interface AibomKey {
  /** First 16 hex digits of SHA-256 over the SPKI DER. */
  id: string
  key: KeyObject
  /** The 32 bytes of the Ed25519 key. */
  bytes: Buffer
}

const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----/g

/** What bills are verified with: an Ed25519 key, its id and its bytes. */
export function makeAibomKey(key: KeyObject): AibomKey {
  const der = key.export({ format: 'der', type: 'spki' })
  const id = createHash('sha256').update(der).digest('hex').slice(0, 16)
  return { id, key, bytes: publicKeyBytes(key) }
}

/** The keys of a PEM file: several while a key is being rotated, none without a path. */
export function loadAibomKeys(path: string | undefined): AibomKey[] {
  if (path === undefined) return []
  const help = 'it must be a PEM file of Ed25519 public keys'
  const fail = (fault: string): never => {
    throw new EnvironmentError([`AIBOM_PUBLIC_KEY_PATH names ${path}, which ${fault}.`])
  }
  const refuse = (fault: string): never => fail(`${fault}: ${help}`)
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    fail(unreadable(error, help))
  }
  const blocks = [...text.matchAll(PEM_BLOCK)]
  if (blocks.length === 0) refuse('holds no PEM block')
  return blocks.map(([pem, label]) => {
    // createPublicKey would derive a public key from a private one, which must not lie here.
    if (label !== 'PUBLIC KEY') refuse(`holds a ${label}`)
    let key: KeyObject
    try {
      key = createPublicKey(pem)
    } catch {
      return refuse('holds a block that is no public key')
    }
    if (key.asymmetricKeyType !== 'ed25519') refuse(`holds a key of type ${key.asymmetricKeyType}`)
    const made = makeAibomKey(key)
    if (!isStrictPoint(made.bytes))
      refuse('holds a key of small order or not canonical, under which anybody can sign')
    return made
  })
}
