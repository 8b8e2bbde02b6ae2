import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from './failure.ts'

/** Paths of the password files, each with one line, readable by their owner alone. */
export interface Secrets {
  owner: string
  lineageService: string
  auditService: string
}

/**
 * The password files in `dir`, made on first use with 192 random bits each and then kept.
 *
 * @param chosen the owner's password if a person chose it
 */
export function ensureSecrets(dir: string, chosen: string | undefined): Secrets {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  chmodSync(dir, 0o700)
  return {
    owner: ensure(join(dir, 'owner'), chosen),
    lineageService: ensure(join(dir, 'lineage_service')),
    auditService: ensure(join(dir, 'audit_service')),
  }
}

export function readSecret(file: string): string {
  const secret = readFileSync(file, 'utf8').trim()
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
