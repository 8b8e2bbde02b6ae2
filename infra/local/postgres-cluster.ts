import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure } from '../failure.ts'
import { type Account, runAs } from './postgres-account.ts'

/** The major version whose data folders these binaries read. */
const majorVersion = '18'

/** True when the folder holds a cluster of our version; false when one has to be made there. */
export function hasCluster(dataDir: string): boolean {
  if (!existsSync(dataDir)) return false
  if (!statSync(dataDir).isDirectory()) {
    throw new Failure(
      `${dataDir} is a file, and has to be the database folder: move it away, then start again.`,
    )
  }
  const found = tryRead(join(dataDir, 'PG_VERSION'), dataDir)?.trim()
  if (found === majorVersion) return true
  if (found === undefined && readdirSync(dataDir).length === 0) return false
  const what =
    found === undefined
      ? 'is not a PostgreSQL data folder: its file PG_VERSION is missing'
      : `was made by PostgreSQL ${found || '(no version)'}, and this is ${majorVersion}`
  throw new Failure(
    `The database folder ${dataDir} ${what}. Restore it from a backup, or move it away and start again with an empty database.`,
  )
}

/**
 * Makes a cluster with initdb: UTF-8, the built-in C.UTF-8 locale (the same order on every machine and
 * release), checksums, scram-sha-256 on every connection. It is made under another name and renamed when
 * complete, so an interrupted run leaves nothing that looks like a database.
 */
export function makeCluster(
  initdb: string,
  dataDir: string,
  owner: { user: string; password: string },
  account: Account | undefined,
): void {
  const draft = `${dataDir}.new`
  const passwordFile = `${draft}.password`
  rmSync(draft, { recursive: true, force: true })
  rmSync(passwordFile, { force: true })
  mkdirSync(draft, { mode: 0o700 })
  try {
    writeFileSync(passwordFile, `${owner.password}\n`, { mode: 0o600, flag: 'wx' })
    if (account) {
      chownSync(draft, account.uid, account.gid)
      chownSync(passwordFile, account.uid, account.gid)
    }
    runInitdb(initdb, draft, passwordFile, owner.user, account)
    if (existsSync(dataDir)) rmdirSync(dataDir)
    renameSync(draft, dataDir)
    chmodSync(dataDir, 0o700)
  } finally {
    rmSync(passwordFile, { force: true })
    rmSync(draft, { recursive: true, force: true })
  }
}

function runInitdb(
  initdb: string,
  dir: string,
  passwordFile: string,
  user: string,
  account: Account | undefined,
): void {
  const { file, args, ...ids } = runAs(account, initdb, [
    `--pgdata=${dir}`,
    `--username=${user}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--data-checksums',
  ])
  // The working folder has to be one that the account may read: initdb looks for itself from there.
  const result = spawnSync(file, args, {
    ...ids,
    cwd: '/',
    encoding: 'utf8',
    env: cleanEnvironment(),
  })
  if (result.status === 0) return
  const why = result.error?.message ?? lastLines(result.stderr)
  throw new Failure(
    `The database could not be made in ${dir}: ${why}. Nothing was left behind; put the cause right and start again.`,
  )
}

/** Variables such as PGDATA or PGOPTIONS of the caller's shell must not reach our server. */
export function cleanEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
}

/** The cluster must belong to whoever runs it, or PostgreSQL refuses with a less helpful line. */
export function checkOwner(dataDir: string, account: Account | undefined): void {
  const uid = account?.uid ?? process.getuid?.()
  const owner = statSync(dataDir).uid
  if (uid === undefined || owner === uid) return
  throw new Failure(
    `The database folder ${dataDir} belongs to user ${owner}, not to you (user ${uid}): it was probably made under sudo. ` +
      `Run this command as that user, or take it over with "sudo chown -R ${uid} ${dirname(dataDir)}".`,
  )
}

function tryRead(file: string, dataDir: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new Failure(
      `The database folder ${dataDir} cannot be read (${code}). Run this command as the user who made it, or move the folder away to start again with an empty database.`,
    )
  }
}

function lastLines(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(-3).join('; ') || 'initdb said nothing'
}
