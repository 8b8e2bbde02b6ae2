import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import {
  CALLED_SERVICES,
  type CalledService,
  ensureIdentityKeys,
  POLICY_TO_AUDIT,
} from '../identity-keys.ts'
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

/** Where the keys are that the services know each other by. */
export interface IdentityPlaces {
  /** What all keys follow from: for the gateway alone. */
  secretFile: string
  /** The key of each service. */
  keyFiles: Readonly<Record<CalledService, string>>
  /** The key of mcp-policy's calls to mcp-audit. */
  policyToAudit: string
}

/**
 * Makes the keys that the services know each other by, for their owner alone.
 *
 * @param folder the folder of the passwords
 */
export function makeIdentityKeys(folder: string): IdentityPlaces {
  const places: IdentityPlaces = {
    secretFile: join(folder, 'identity_secret'),
    keyFiles: Object.fromEntries(
      CALLED_SERVICES.map((name) => [name, join(folder, `${name}-identity`)]),
    ) as Record<CalledService, string>,
    policyToAudit: join(folder, 'mcp-policy-to-mcp-audit'),
  }
  const keys = {
    ...Object.fromEntries(Object.entries(places.keyFiles).map(([name, file]) => [name, [file]])),
    [POLICY_TO_AUDIT]: [places.policyToAudit],
  }
  ensureIdentityKeys({ secretFile: places.secretFile, keys }, 0o600)
  return places
}
