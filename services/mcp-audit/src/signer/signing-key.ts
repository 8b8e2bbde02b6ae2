import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { EnvironmentError, unreadable } from '@ai-governance/common/environment'
import { rawPublicKey } from './signed-note.ts'

export interface SigningKey {
  privateKey: KeyObject
  /** 32 bytes. */
  publicKey: Buffer
}

/**
 * Reads an Ed25519 private key (PKCS#8 PEM). Null if there is no file; throws `EnvironmentError` if there is
 * one that cannot be used.
 */
export function readSigningKey(file: string): SigningKey | null {
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw unusable(unreadable(error, 'restore it from the backup'))
  }
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey(pem)
  } catch {
    throw unusable('holds no private key in PKCS#8 PEM: restore it from the backup')
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw unusable('holds a key that is not Ed25519: make one with "aigov audit keygen"')
  }
  return { privateKey, publicKey: rawPublicKey(createPublicKey(privateKey)) }
}

function unusable(what: string): EnvironmentError {
  return new EnvironmentError([`AUDIT_SIGNING_KEY_PATH names a file that ${what}.`])
}
