import { readCheckpoint, type SignedCheckpoint } from './checkpoint.ts'
import { EMPTY_ROOT, readHashes, verifyConsistency } from './merkle.ts'
import { isSignedBy, type NoteSignature, type VerifierKey } from './signed-note.ts'

/** What a witness is asked to cosign (https://c2sp.org/tlog-witness, add-checkpoint). */
export interface AddCheckpoint {
  /** The size that the asker believes was cosigned last. */
  old: number
  /** The consistency proof from there to the checkpoint, in hex. */
  hashes: readonly string[]
  checkpoint: SignedCheckpoint
}

/** The newest tree of a log that a witness has cosigned. */
export interface SeenTree {
  size: number
  /** In hex. */
  root: string
}

/** What a witness knows of a log before it has cosigned anything. */
export const NOTHING_SEEN: SeenTree = { size: 0, root: EMPTY_ROOT }

/** Statuses of the protocol, each with its one meaning. */
export type RefusalStatus = 400 | 403 | 404 | 409 | 422

/** Why a checkpoint is not cosigned. The message may be shown to anybody. */
export class WitnessRefusal extends Error {
  override readonly name = 'WitnessRefusal'
  readonly status: RefusalStatus
  /** Where the asker's old size is not the one that was cosigned last: that one. */
  readonly seenSize: number | null

  constructor(status: RefusalStatus, message: string, seenSize: number | null = null) {
    super(message)
    this.status = status
    this.seenSize = seenSize
  }
}

/** C2SP tlog-witness; a proof for 2^63 leaves is no longer. */
const MAX_HASHES = 63

/**
 * Reads the body of an add-checkpoint request, which may come from anybody. Whose signature it has is not judged.
 * Throws {@link WitnessRefusal} (400) or NoteError.
 */
export function readAddCheckpoint(body: string): AddCheckpoint {
  const blank = body.indexOf('\n\n')
  const [oldLine = '', ...hashLines] = body.slice(0, Math.max(blank, 0)).split('\n')
  const oldText = /^old (0|[1-9][0-9]{0,15})$/.exec(oldLine)?.[1]
  const hashes = hashLines.length > MAX_HASHES ? null : readHashes(hashLines)
  if (oldText === undefined || !Number.isSafeInteger(Number(oldText)) || !hashes) {
    throw new WitnessRefusal(
      400,
      `a request is "old <size>", up to ${MAX_HASHES} hashes in base64, a blank line, and a checkpoint`,
    )
  }
  return { old: Number(oldText), hashes, checkpoint: readCheckpoint(body.slice(blank + 2)) }
}

/**
 * The signatures on a checkpoint by keys that are trusted for its origin, at least one. `logs` holds the keys of
 * each origin. Throws {@link WitnessRefusal}: 404 for an origin that is not in `logs`, 403 where no trusted key
 * signed it or the signature of one is wrong.
 */
export function trustedSignatures(
  { origin, note }: SignedCheckpoint,
  logs: ReadonlyMap<string, readonly VerifierKey[]>,
): NoteSignature[] {
  const keys = logs.get(origin)
  if (!keys) throw new WitnessRefusal(404, 'this witness does not know the log')
  const present = keys.filter((key) => note.signatures.some((line) => isLineOf(line, key)))
  if (present.length === 0 || !present.every((key) => isSignedBy(note, key))) {
    throw new WitnessRefusal(403, 'the checkpoint is not signed by the key of the log')
  }
  return present.flatMap((key) => note.signatures.find((line) => isLineOf(line, key)) ?? [])
}

function isLineOf({ name, id }: NoteSignature, key: VerifierKey): boolean {
  return name === key.name && id === key.id
}

/**
 * Returns where the checkpoint continues the tree that was cosigned last, or is that tree; whatever else is
 * refused, in the order of the protocol. Throws {@link WitnessRefusal}: 400, 409 or 422.
 */
export function judge({ old, hashes, checkpoint }: AddCheckpoint, seen: SeenTree): void {
  const { size, root } = checkpoint
  if (old > size) throw new WitnessRefusal(400, 'the old size is larger than the checkpoint')
  if (old !== seen.size) {
    throw new WitnessRefusal(409, 'the old size is not the one that was cosigned last', seen.size)
  }
  if (isFork(checkpoint, seen)) {
    throw new WitnessRefusal(409, 'another root was cosigned at this size: the log has forked')
  }
  if (!verifyConsistency(old, size, seen.root, root, hashes)) {
    throw new WitnessRefusal(422, 'the proof does not show that the checkpoint continues the log')
  }
}

/** Whether a checkpoint says another root of the size that was cosigned last. If its log signed it, that is proof. */
export function isFork({ size, root }: SeenTree, seen: SeenTree): boolean {
  return size === seen.size && root !== seen.root
}
