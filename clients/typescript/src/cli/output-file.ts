import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { EXIT, Exit, thereAlready } from './exit.ts'

/** Whose a file is. */
export interface Owner {
  uid: number
  gid: number
}

interface Placing {
  /** Permissions of a new file. */
  mode: number
  /** Whether a file that is there may be replaced. */
  force: boolean
  /** Whose it becomes; without one it is that of this process. */
  owner?: Owner | undefined
}

/**
 * Writes a file whole or not at all: beside its place first, then to disk, then under its name. A file that is
 * there is replaced only by `force`, also one that came meanwhile; of a link the link, never what it leads to.
 */
export async function writeWhole(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<string>,
  { mode, force, owner }: Placing,
): Promise<void> {
  const part = `${path}.${process.pid}.part`
  const file = await open(part, 'wx', mode).catch((error: Error) => {
    throw unwritable(path, error)
  })
  try {
    // Not in the same `catch`: what the chunks throw says itself what is wrong.
    for await (const chunk of chunks) await written(path, file, chunk)
    if (owner) await file.chown(owner.uid, owner.gid)
    await file.sync()
    await file.close()
    if (!force) await reserve(path)
    await rename(part, path)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(part, { force: true })
    throw error
  }
}

/** Has the names in a folder on disk, so that a power cut brings back none that was replaced. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function written(path: string, file: FileHandle, chunk: Uint8Array | string): Promise<void> {
  await file.writeFile(chunk).catch((error: Error) => {
    throw unwritable(path, error)
  })
}

/** Takes a name that nobody has. A file system cannot rename without replacing; this it can everywhere. */
async function reserve(path: string): Promise<void> {
  try {
    await (await open(path, 'wx')).close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw thereAlready(path)
    throw unwritable(path, error as Error)
  }
}

function unwritable(path: string, error: Error): Exit {
  return new Exit(EXIT.failed, `${path} cannot be written: ${error.message}.`)
}
