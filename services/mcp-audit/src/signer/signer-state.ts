import { closeSync, fsync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { ApiError } from '@ai-governance/common/errors'
import { z } from 'zod'
import { HASH_BYTES } from '../tree/merkle.ts'
import { ORIGIN, type TreeHead } from './signed-note.ts'

const flush = promisify(fsync)

const StateFile = z.strictObject({
  origin: z.string().regex(ORIGIN),
  size: z.int().min(0),
  root: z.base64().refine((text) => Buffer.from(text, 'base64').length === HASH_BYTES),
})

/** What was signed last, under which name. */
export interface SignerState extends TreeHead {
  origin: string
}

/**
 * Reads the state. It is one line of JSON: `{"origin":…,"size":…,"root":<base64>}`. Null if there is no file;
 * throws if it cannot be read or is not that.
 */
export function readState(file: string): SignerState | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const { origin, size, root } = StateFile.parse(JSON.parse(text))
  return { origin, size, root: Buffer.from(root, 'base64') }
}

/** The same; throws `signer_refused` if it cannot be read or is not that. */
export function readStateOrRefuse(file: string): SignerState | null {
  try {
    return readState(file)
  } catch (cause) {
    const reason = 'The file with the state of the signer cannot be read.'
    throw new ApiError('signer_refused', reason, { cause })
  }
}

/** Replaces the state, and returns when a power cut could no longer undo it. */
export async function writeState(file: string, state: SignerState): Promise<void> {
  const { origin, size, root } = state
  const draft = `${file}.new`
  await flushed(openSync(draft, 'w', 0o600), (fd) =>
    writeSync(fd, `${JSON.stringify({ origin, size, root: root.toString('base64') })}\n`),
  )
  renameSync(draft, file)
  await flushed(openSync(dirname(file), 'r'), () => {})
}

async function flushed(fd: number, work: (fd: number) => void): Promise<void> {
  try {
    work(fd)
    await flush(fd)
  } finally {
    closeSync(fd)
  }
}
