import { readCheckpoint, type SignedCheckpoint } from './checkpoint.ts'
import { leafHash, verifyInclusion } from './merkle.ts'
import {
  cosignedAt,
  isSignedBy,
  NoteError,
  readVerifierKey,
  type VerifierKey,
} from './signed-note.ts'
import type { Trailer } from './trailer.ts'

/** What a person has from elsewhere than the export, as texts. */
export interface GivenTexts {
  /** The log's verifier key: pinned. */
  key?: string | undefined
  /** Checkpoints that were taken earlier, each a signed note. */
  earlier?: readonly string[] | undefined
  /** Verifier keys of witnesses, all of whom must have cosigned. */
  witnesses?: readonly string[] | undefined
}

/** The same, read. */
export interface Given {
  key: VerifierKey | null
  /** By size. */
  earlier: readonly SignedCheckpoint[]
  witnesses: readonly VerifierKey[]
}

/** The entries of an export as they were found. */
export interface Walked {
  firstId: number | null
  lastId: number | null
  lastEntryHash: string
  /** The root over all of them, in hex; null where they start behind entry 1. */
  root: string | null
  /** The roots at the sizes of earlier checkpoints, as far as they were passed. */
  roots: ReadonlyMap<number, string>
}

/** Whose signature there is: of the pinned key; of one that nobody vouches for; none. */
export type Signature = 'pinned' | 'not_pinned' | 'none'

/** What checkpoints say of an export where nothing of it is wrong. */
export interface Evidence {
  signature: Signature
  /** Of the checkpoint in the trailer; null if there is none. */
  origin: string | null
  size: number | null
  /** Whether a proof of inclusion ties the last entry to the checkpoint. */
  isProven: boolean
  /** How many earlier checkpoints could not be judged. */
  unjudged: number
  /** Names of the required witnesses. */
  witnesses: string[]
}

/** What is wrong, and with which entry; null where none can be named. */
export interface Fault {
  id: number | null
  reason: string
}

const fault = (reason: string, id: number | null = null): Fault => ({ id, reason })

/**
 * Reads what a person gives. All of it must fit, or nothing is verified: throws {@link NoteError} for a key or
 * an earlier checkpoint that cannot be read, and for one that the pinned key did not sign.
 */
export function readGiven(texts: GivenTexts): Given {
  const key =
    texts.key === undefined ? null : named('the key', () => readVerifierKey(texts.key as string))
  const earlier = (texts.earlier ?? []).map((text, i) => {
    const name = `earlier checkpoint ${i + 1}`
    const checkpoint = named(name, () => readCheckpoint(text))
    if (key && (checkpoint.origin !== key.name || !isSignedBy(checkpoint.note, key))) {
      throw new NoteError(`${name} is not signed by the key that is given`)
    }
    return checkpoint
  })
  const witnesses = (texts.witnesses ?? []).map((text, i) =>
    named(`the key of witness ${i + 1}`, () => readVerifierKey(text, 'witness')),
  )
  return { key, earlier: earlier.toSorted((a, b) => a.size - b.size), witnesses }
}

function named<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof NoteError)) throw error
    throw new NoteError(`${what} cannot be read: ${error.message}`)
  }
}

/**
 * Judges the checkpoints around an export that is right in itself, in the order of docs/FORMATS.md. The trailer
 * may come from anybody; what is given is trusted.
 */
export function judgeEvidence(walked: Walked, trailer: Trailer, given: Given): Evidence | Fault {
  const earlier = judgeEarlier(walked, trailer, given)
  if ('reason' in earlier) return earlier
  const own = judgeCheckpoint(walked, trailer, given)
  if (own !== null && 'reason' in own) return own
  const { key, witnesses } = given
  if (key && !(own?.origin === key.name && isSignedBy(own.note, key))) {
    return fault(own ? 'the checkpoint is not signed by the key that is given' : UNSIGNED)
  }
  const missing = witnesses.find((witness) => !own || cosignedAt(own.note, witness) === null)
  if (missing) return fault(own ? `${missing.name} did not cosign the checkpoint` : UNSIGNED)
  return {
    signature: key ? 'pinned' : own ? 'not_pinned' : 'none',
    origin: own?.origin ?? null,
    size: own?.size ?? null,
    isProven: trailer.inclusion !== null,
    unjudged: earlier.unjudged,
    witnesses: witnesses.map(({ name }) => name),
  }
}

const STARTS_LATE = 'the first entries are missing: the trailer is that of the whole log'
const UNSIGNED = 'the export holds no signed checkpoint'

function judgeEarlier(
  { firstId, lastId, roots }: Walked,
  { checkpoint }: Trailer,
  { earlier }: Given,
): { unjudged: number } | Fault {
  const last = lastId ?? 0
  const isFromStart = firstId === null || firstId === 1
  // Where the export says that its log ends; who says so is judged after this.
  const end = sizeOf(checkpoint) ?? (isFromStart ? last : Number.POSITIVE_INFINITY)
  let unjudged = 0
  for (const { size, root } of earlier) {
    if (isFromStart && size <= last) {
      if (roots.get(size) === root) continue
      return fault(
        `the root at ${size} is not that of an earlier checkpoint`,
        behind(size, earlier),
      )
    }
    if (size > end) {
      const said = `an earlier checkpoint has ${size} entries`
      return fault(`entries are missing at the end: ${said}`, last + 1)
    }
    unjudged++
  }
  return { unjudged }
}

/** The entry behind the largest checkpoint below a size; all of those are right where one at it is judged. */
function behind(size: number, earlier: readonly SignedCheckpoint[]): number {
  return 1 + (earlier.findLast((checkpoint) => checkpoint.size < size)?.size ?? 0)
}

function judgeCheckpoint(
  walked: Walked,
  { checkpoint: text, verifier_key, inclusion }: Trailer,
  { earlier }: Given,
): SignedCheckpoint | Fault | null {
  if (text === null || verifier_key === null) {
    if (text !== verifier_key)
      return fault('checkpoint and verifier_key of the trailer belong together')
    return inclusion ? fault('the trailer has an inclusion and no checkpoint') : null
  }
  const checkpoint = readable(() => readCheckpoint(text))
  const key = readable(() => readVerifierKey(verifier_key))
  if (checkpoint instanceof NoteError)
    return fault(`checkpoint of the trailer: ${checkpoint.message}`)
  if (key instanceof NoteError) return fault(`verifier_key of the trailer: ${key.message}`)
  if (checkpoint.origin !== key.name || !isSignedBy(checkpoint.note, key)) {
    return fault('the checkpoint is not signed by verifier_key of the trailer')
  }
  const { size, root } = checkpoint
  const last = walked.lastId ?? 0
  if (size < last) return fault('the checkpoint has less entries than the export')
  if (size === last && walked.root !== null) {
    if (inclusion) return fault('the trailer of a whole log has no inclusion')
    if (walked.root === root) return checkpoint
    return fault('the root is not that of the checkpoint', behind(size, earlier))
  }
  if (last === 0) return inclusion ? fault('the trailer has an inclusion and no entry') : checkpoint
  // Only the whole log goes without one: whoever wrote this trailer was asked for entry 1.
  if (!inclusion && size === last) return fault(STARTS_LATE, 1)
  if (!inclusion) return fault('the trailer has no inclusion of its last entry')
  const isProven = verifyInclusion(last - 1, size, leafHash(walked.lastEntryHash), inclusion, root)
  return isProven ? checkpoint : fault('inclusion does not prove the last entry')
}

function sizeOf(checkpoint: string | null): number | null {
  if (checkpoint === null) return null
  const read = readable(() => readCheckpoint(checkpoint))
  return read instanceof NoteError ? null : read.size
}

function readable<T>(read: () => T): T | NoteError {
  try {
    return read()
  } catch (error) {
    if (error instanceof NoteError) return error
    throw error
  }
}
