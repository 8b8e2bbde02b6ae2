import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { PolicyFile } from '@ai-governance/policy-engine/load'

/** What a policy folder holds, or why that cannot be told. */
export type FolderRead = { ok: true; files: PolicyFile[] } | { ok: false; fault: string }

/** The loader takes files of up to 256 KiB, and says so of larger ones; what is beyond this is not even read. */
const MAX_BYTES = 1_048_576

/** The YAML files directly in a folder, sorted by name. Never throws. */
export async function readFolder(folder: string): Promise<FolderRead> {
  try {
    const names = await namesIn(folder)
    const files = await Promise.all(
      names.map(async (name) => ({ name, content: await readPolicy(join(folder, name), name) })),
    )
    return { ok: true, files }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { ok: false, fault: code ? `cannot be read (${code})` : message }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/i.test(entry.name))
    .map((entry) => entry.name)
    .sort()
}

async function readPolicy(path: string, name: string): Promise<string> {
  const about = await stat(path)
  // Reading a pipe would wait for somebody to write to it.
  if (!about.isFile()) throw new Error(`has ${name}, which is no file`)
  if (about.size > MAX_BYTES)
    throw new Error(`has ${name}, which is larger than ${MAX_BYTES} bytes`)
  return readFile(path, 'utf8')
}
