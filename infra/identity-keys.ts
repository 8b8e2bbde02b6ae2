import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { deriveIdentityKey } from '@ai-governance/common/callers/identity'
import { Failure } from './failure.ts'

/** Under which mcp-policy signs its calls to mcp-audit, which records what is in force. */
export const POLICY_TO_AUDIT = 'mcp-policy>mcp-audit'

/** Services behind the gateway, which signs its calls to each of them under the key of the one that is called. */
export const CALLED_SERVICES = ['mcp-lineage', 'mcp-policy', 'mcp-audit'] as const
export type CalledService = (typeof CALLED_SERVICES)[number]

/** The secret that all keys follow from, and for each purpose the files that hold a copy of its key. */
export interface IdentityFiles {
  secretFile: string
  keys: Readonly<Record<string, readonly string[]>>
}

/**
 * Makes the secret where there is none, and puts right every key that is missing or does not follow from it, and
 * every file that others may read. So an interrupted run is completed by the next, and a lost secret costs no more
 * than new keys.
 *
 * @param mode of the files, such as 0o600
 * @returns whether the secret was made now
 * @throws Failure if the secret is damaged
 */
export function ensureIdentityKeys({ secretFile, keys }: IdentityFiles, mode: number): boolean {
  const isNew = !existsSync(secretFile)
  if (isNew) writeSecret(secretFile, randomBytes(32).toString('base64url'), mode)
  const secret = read(secretFile)
  if (!/^[A-Za-z0-9_-]{43}$/.test(secret)) {
    throw new Failure(
      `${secretFile}, the secret that the services know each other by, is damaged: remove it, start again, and new ones are made.`,
    )
  }
  if (modeOf(secretFile) !== mode) writeSecret(secretFile, secret, mode)
  for (const [purpose, files] of Object.entries(keys)) {
    const key = deriveIdentityKey(secret, purpose)
    for (const file of files) {
      if (!existsSync(file) || read(file) !== key || modeOf(file) !== mode) {
        writeSecret(file, key, mode)
      }
    }
  }
  return isNew
}

/** Makes a new secret and new keys. Services read theirs when they start. */
export function rotateIdentityKeys(files: IdentityFiles, mode: number): void {
  rmSync(files.secretFile, { force: true })
  ensureIdentityKeys(files, mode)
}

const modeOf = (file: string) => statSync(file).mode & 0o777
const read = (file: string) => readFileSync(file, 'utf8').trim()

/** Writes a secret on one line: complete or not at all. */
export function writeSecret(file: string, value: string, mode: number): void {
  const draft = `${file}.new`
  rmSync(draft, { force: true })
  writeFileSync(draft, `${value}\n`, { mode, flush: true })
  // What a new file gets is less, where the umask says so: the group of a container could not read it.
  chmodSync(draft, mode)
  renameSync(draft, file)
}
