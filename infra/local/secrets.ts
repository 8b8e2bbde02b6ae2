import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { readText } from './file-fault.ts'

/** Paths of the password files, each with one line, readable by their owner alone. */
export interface Secrets {
  owner: string
  lineageService: string
  auditService: string
}

/**
 * The password files in `dir`, made on first use with 192 random bits each and then kept. The two of the
 * services are made anew when they are missing, since every start sets them in the database; the owner's
 * is what the database was made with, and no other one opens it.
 *
 * @param chosen the owner's password if a person chose it
 * @param hasDatabase whether the database is made already
 * @throws Failure when the owner's password of an existing database is missing or not the chosen one
 */
export function ensureSecrets(
  dir: string,
  chosen: string | undefined,
  hasDatabase: boolean,
): Secrets {
  const owner = join(dir, 'owner')
  if (hasDatabase && !existsSync(owner)) {
    throw new Failure(
      `${owner} is missing, the file with the owner's password of the database: put it back, or move .data away to start with an empty database.`,
    )
  }
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  chmodSync(dir, 0o700)
  return {
    owner: ensure(owner, chosen),
    lineageService: ensure(join(dir, 'lineage_service')),
    auditService: ensure(join(dir, 'audit_service')),
  }
}

export function readSecret(file: string): string {
  const secret = readText(file).trim()
  if (secret !== '') return secret
  throw new Failure(`The password file ${file} is empty: restore it from a backup.`)
}

function ensure(file: string, chosen?: string): string {
  const secret = chosen ?? randomBytes(24).toString('base64url')
  try {
    writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (chosen !== undefined && readSecret(file) !== chosen) {
      throw new Failure(
        'POSTGRES_PASSWORD is not the password that the database in .data was made with: put the former one back, or take it out of .env.',
      )
    }
  }
  return file
}
