import {
  closeSync,
  fsync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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

/** A draft that has been there for so long is of a process that was killed, in ms. */
const ABANDONED = 2_000
const LOOK_AGAIN = 20

/**
 * Puts `state` in the place of `before`, and returns when a power cut could no longer undo it. The lock of the database
 * keeps signers apart only where they have one database: of two that were left with two primaries the draft lets one
 * write at a time, and the other finds that the state is no longer `before`.
 */
export async function replaceState(
  file: string,
  state: SignerState,
  before: SignerState,
): Promise<void> {
  const draft = `${file}.new`
  const fd = await openAlone(draft)
  try {
    await flushed(fd, () => writeSync(fd, textOf(state)))
    const found = readState(file)
    if (found === null || textOf(found) !== textOf(before)) {
      throw new Error('another signer has written the state meanwhile')
    }
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  await flushed(openSync(dirname(file), 'r'), () => {})
}

function textOf({ origin, size, root }: SignerState): string {
  return `${JSON.stringify({ origin, size, root: root.toString('base64') })}\n`
}

/** Makes the draft, once nobody else has one. */
async function openAlone(draft: string): Promise<number> {
  let [seen, since] = [0, performance.now()]
  for (;;) {
    try {
      return openSync(draft, 'wx', 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const inode = statSync(draft, { throwIfNoEntry: false })?.ino ?? 0
    if (inode !== seen) [seen, since] = [inode, performance.now()]
    else if (performance.now() - since > ABANDONED) rmSync(draft, { force: true })
    await sleep(LOOK_AGAIN)
  }
}

async function flushed(fd: number, work: () => void): Promise<void> {
  try {
    work()
    await flush(fd)
  } finally {
    closeSync(fd)
  }
}
