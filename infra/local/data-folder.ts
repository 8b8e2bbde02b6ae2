import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { ensureIdentityKeys, POLICY_TO_AUDIT } from '../identity-keys.ts'
import type { SignerFiles } from '../signing-key.ts'
import { noteOf } from './database-server.ts'
import { hasCluster } from './postgres-cluster.ts'

/** Makes the folders of the local stack that are written to from its first line on. */
export function makeFolders(data: string): void {
  for (const name of ['logs', 'run']) mkdirSync(join(data, name), { recursive: true, mode: 0o755 })
}

/**
 * Whether the folder has its database already; false when one has to be made.
 *
 * @throws Failure when it had one that is gone: an empty log in its place would look like the whole one
 */
export function hasDatabase(data: string): boolean {
  const dataDir = join(data, 'postgres')
  if (hasCluster(dataDir)) return true
  if (!existsSync(noteOf(data))) return false
  throw new Failure(
    `The database that this folder had (${dataDir}) is gone: restore it, or move ${data} away to start with an empty log.`,
  )
}

/** Makes the folder of the key that signs checkpoints, for its owner alone, and says where the files belong. */
export function makeSignerFolder(data: string): SignerFiles {
  const folder = join(data, 'signer')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  return { keyFile: join(folder, 'key.pem'), stateFile: join(folder, 'state.json') }
}

/**
 * Makes the keys that the services know each other by, in the folder of the passwords.
 *
 * @returns the file with the key of mcp-policy's calls to mcp-audit
 */
export function makeIdentityKey(data: string): string {
  const folder = join(data, 'secrets')
  const keyFile = join(folder, 'mcp-policy-to-mcp-audit')
  ensureIdentityKeys(
    { secretFile: join(folder, 'identity_secret'), keys: { [POLICY_TO_AUDIT]: [keyFile] } },
    0o600,
  )
  return keyFile
}
