import { existsSync, readFileSync, renameSync } from 'node:fs'
import { AuditKeyError, makeAuditKey } from '../clients/typescript/src/audit-key.ts'
import { Failure } from './failure.ts'

/** The key that signs checkpoints, and what mcp-audit signed last with it: docs/FORMATS.md, Checkpoint. */
export interface SignerFiles {
  keyFile: string
  stateFile: string
}

/** What a person should hear of them; at most one of the two. */
export interface SignerNews {
  /** The verifier key of a pair that was made now. */
  made?: string
  warning?: string
}

/**
 * Makes key and state where there is neither. One without the other, or one that is damaged, is left as it is and
 * told: the log goes on without signed checkpoints, until a person decides.
 *
 * @param chosen the origin, if a person chose one
 * @throws Failure if the chosen origin is not the one that they were made for
 */
export async function ensureSigner(
  files: SignerFiles,
  chosen: string | undefined,
): Promise<SignerNews> {
  const origin = existsSync(files.stateFile) ? undefined : chosen
  try {
    const key = await makeAuditKey({ ...files, origin, ifMissing: true })
    if (key.made) return { made: key.verifierKey }
    if (chosen === undefined || chosen === key.origin) return {}
    throw new Failure(
      `AUDIT_ORIGIN in .env is not the origin that the signing key was made for, ${key.origin}: put that one back or take it out, or begin a new one as docs/OPERATIONS.md says under "New origin".`,
    )
  } catch (error) {
    if (!(error instanceof AuditKeyError)) throw error
    const more =
      'Until then entries are recorded and no checkpoint is signed. docs/OPERATIONS.md says how under "Put the signing key back" and "New origin".'
    return { warning: `${error.message} ${more}` }
  }
}

/**
 * Moves key and state out of the way, each within its folder, and makes new ones. An interrupted run is
 * completed by the next. Nobody may be signing meanwhile.
 *
 * @param chosen the new origin, if a person chose one
 * @param now ends the names of the files that are kept
 * @returns the verifier key of the new origin
 * @throws Failure if the chosen origin is the former one
 */
export async function beginOrigin(
  files: SignerFiles,
  chosen: string | undefined,
  now: Date,
): Promise<string> {
  if (chosen !== undefined && chosen === originIn(files.stateFile)) {
    throw new Failure(
      `AUDIT_ORIGIN in .env is the name of the log as it was, ${chosen}, and one name must not stand for two logs: choose another, such as ${chosen}-2.`,
    )
  }
  const suffix = `until-${now.toISOString().replaceAll(':', '')}`
  for (const file of [files.keyFile, files.stateFile]) {
    if (existsSync(file)) renameSync(file, `${file}.${suffix}`)
  }
  const { verifierKey } = await makeAuditKey({ ...files, origin: chosen })
  return verifierKey
}

/** The origin that a state names; undefined without a state, or with one that cannot be read. */
function originIn(stateFile: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(stateFile, 'utf8')) as { origin?: string }).origin
  } catch {
    return undefined
  }
}
