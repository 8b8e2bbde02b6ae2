import { constants } from 'node:fs'
import { type FileHandle, open, readFile, realpath, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ApiKeyError,
  type ApiKeyFile,
  formatApiKeys,
  MOST_BYTES,
  parseApiKeys,
} from './api-keys.ts'
import { EXIT, Exit, usage } from './exit.ts'
import { type Owner, syncFolder, writeWhole } from './output-file.ts'

/** How long a change waits for another to end, in ms: each takes some milliseconds. */
const PATIENCE_MS = 5_000
const EMPTY: ApiKeyFile = { v: 1, keys: [] }

/**
 * The keys in a file. Fails with exit code 2 where it cannot be read, is not right, or may be read by others than its
 * owner; `null` where there is none.
 */
export async function readKeyFile(path: string): Promise<ApiKeyFile | null> {
  const file = await open(path, constants.O_RDONLY).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw usage(`${path} cannot be read (${error.code}).`)
  })
  if (!file) return null
  try {
    const { mode, size } = await file.stat()
    if (size > MOST_BYTES)
      throw usage(`${path} is larger than ${MOST_BYTES} bytes: no file of keys is.`)
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw usage(
        `${path} may be read or written by others, and the gateway refuses it so: chmod 600 ${path}`,
      )
    }
    return parseApiKeys(await file.readFile('utf8'))
  } catch (error) {
    if (error instanceof ApiKeyError) throw usage(`${path} ${error.message}: nothing was changed.`)
    if (error instanceof Exit) throw error
    throw usage(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  } finally {
    await file.close()
  }
}

/**
 * Changes the keys in a file, which is made where there is none: whole or not at all, for its owner alone, and safe
 * from a power cut when this returns. Whoever else changes it at the same time waits. `change` makes new keys of
 * the old ones, or returns null to leave the file as it is. Fails with exit code 1 or 2.
 */
export async function changeKeyFile<T>(
  path: string,
  change: (file: ApiKeyFile) => { keys: ApiKeyFile['keys'] | null; result: T },
): Promise<T> {
  // Through links to the file itself: all its names share one lock, and none of them is replaced.
  const real = await realPathOf(path)
  const lock = `${real}.lock`
  await take(lock)
  try {
    const { keys, result } = change((await readKeyFile(real)) ?? EMPTY)
    if (keys) {
      const text = formatApiKeys({ v: 1, keys })
      if (Buffer.byteLength(text) > MOST_BYTES) throw tooMany(path)
      await writeWhole(real, [text], { mode: 0o600, force: true, owner: await ownerOf(real) })
      // So that a power cut does not bring back a key that was revoked.
      await syncFolder(dirname(real))
    }
    return result
  } catch (error) {
    if (error instanceof ApiKeyError) throw usage(error.message)
    throw error
  } finally {
    await rm(lock, { force: true })
  }
}

function tooMany(path: string): Exit {
  return usage(`${path} is full: remove keys that expired or were revoked long ago.`)
}

async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path).catch(async () =>
      join(await realpath(dirname(path)), basename(path)),
    )
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw usage(
      `The folder of ${path} cannot be entered (${code}): name another file with --file, or make the folder.`,
    )
  }
}

/** A file that only one process can make. It is never taken away from another one: that may be at work elsewhere. */
async function take(lock: string): Promise<void> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const file = await open(lock, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return null
      throw new Exit(EXIT.failed, `${lock} cannot be made: ${error.message}.`)
    })
    if (file) return sign(file, lock)
    if (performance.now() > until) throw await held(lock)
    await sleep(10 + Math.random() * 20)
  }
}

/** Says in a lock whose it is. */
async function sign(file: FileHandle, lock: string): Promise<void> {
  try {
    await file.writeFile(`${process.pid}\n`)
  } catch (error) {
    await rm(lock, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

async function held(lock: string): Promise<Exit> {
  const holder = (await readFile(lock, 'utf8').catch(() => '')).trim().slice(0, 20) || 'unknown'
  return new Exit(
    EXIT.failed,
    `Process ${holder} is changing the keys, or was ended while it did. If it is not there any more, remove ${lock} and try again.`,
  )
}

/** Root leaves a file to whose it is, and a new one to whom the folder belongs: the gateway must be able to read it. */
async function ownerOf(path: string): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const { uid, gid } = await stat(path).catch(() => stat(dirname(path)))
  return { uid, gid }
}
