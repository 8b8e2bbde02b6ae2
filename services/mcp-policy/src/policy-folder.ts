import { isUtf8 } from 'node:buffer'
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { PolicyFile } from '@ai-governance/policy-engine/load/load-policies'

/** What a policy folder holds, or why that cannot be told. */
export type FolderRead = { ok: true; files: PolicyFile[] } | { ok: false; fault: string }

/** The loader takes files of up to 256 KiB, and says so of larger ones; what is beyond this is not even read. */
const MAX_FILE_BYTES = 1_048_576
/** All files together: what became active must fit into one entry of the log, be every character of it escaped. */
const MAX_BYTES = 4_194_304
/** So many are loaded in a third of a second, during which nobody is answered. */
const MAX_FILES = 1_000

/** Why a folder is not read; `message` continues a sentence that begins with the folder. */
class FolderFault extends Error {}

/** The YAML files directly in a folder, sorted by name. Never throws. */
export async function readFolder(path: string): Promise<FolderRead> {
  try {
    // A link that is turned to another folder meanwhile mixes no two sets.
    const folder = await realpath(path)
    const names = await namesIn(folder)
    const files: PolicyFile[] = []
    let bytes = 0
    for (const name of names) {
      const content = await readPolicy(folder, name)
      bytes += content.length
      if (bytes > MAX_BYTES) throw new FolderFault(`has more than ${MAX_BYTES} bytes of policies`)
      files.push({ name, content: content.toString('utf8') })
    }
    return { ok: true, files }
  } catch (error) {
    return { ok: false, fault: faultOf(error) }
  }
}

/** Also of what is no file: whoever gives a folder such a name meant a policy, and would miss it. */
async function namesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/i.test(name))
  if (names.length > MAX_FILES) throw new FolderFault(`has more than ${MAX_FILES} policy files`)
  return names.sort()
}

async function readPolicy(folder: string, name: string): Promise<Buffer> {
  try {
    // Of a pipe, opening would otherwise wait for somebody to write to it.
    const file = await open(join(folder, name), constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return await contentOf(file, name)
    } finally {
      await file.close()
    }
  } catch (error) {
    throw error instanceof FolderFault
      ? error
      : new FolderFault(`has ${name}, which ${faultOf(error)}`)
  }
}

async function contentOf(file: FileHandle, name: string): Promise<Buffer> {
  const about = await file.stat()
  if (!about.isFile()) throw new FolderFault(`has ${name}, which is no file`)
  if (about.size > MAX_FILE_BYTES) {
    throw new FolderFault(`has ${name}, which is larger than ${MAX_FILE_BYTES} bytes`)
  }
  // One byte more than there should be: what fills it grows faster than it is read.
  const space = Buffer.allocUnsafe(about.size + 1)
  let length = 0
  for (let read = -1; read !== 0 && length < space.length; length += read) {
    read = (await file.read(space, length)).bytesRead
  }
  if (length > about.size) throw new FolderFault(`has ${name}, which is being written`)
  const content = space.subarray(0, length)
  if (!isUtf8(content)) throw new FolderFault(`has ${name}, which is not UTF-8: save it as such`)
  return content
}

function faultOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code ? `cannot be read (${code})` : message
}
