import { fromBase64, fromHex, toBase64, toHex } from './bytes.ts'
import { NoteError, readNote, type SignedNote } from './signed-note.ts'

/** What a log says of itself at a size (C2SP tlog-checkpoint). Believe it only where its key signed it. */
export interface Checkpoint {
  origin: string
  /** Entries in the log. */
  size: number
  /** Root of the Merkle tree over them, in hex. */
  root: string
}

/** A checkpoint in the note that carries it. */
export interface SignedCheckpoint extends Checkpoint {
  note: SignedNote
}

/** The text of a checkpoint, as it is signed. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(fromHex(root) as Uint8Array)}\n`
}

/**
 * The checkpoint in a signed note, whose signatures are not judged. `text` may come from anybody. Throws
 * {@link NoteError}.
 */
export function readCheckpoint(text: string): SignedCheckpoint {
  const note = readNote(text)
  const [origin = '', sizeText = '', rootText = '', ...more] = note.text.slice(0, -1).split('\n')
  const size = Number(sizeText)
  const root = fromBase64(rootText)
  const isSize = /^(?:0|[1-9][0-9]{0,15})$/.test(sizeText) && Number.isSafeInteger(size)
  if (origin === '' || !isSize || root?.length !== 32 || more.includes('')) {
    throw new NoteError('a checkpoint is an origin, a size, and a root of 32 bytes in base64')
  }
  return { origin, size, root: toHex(root), note }
}

/**
 * Parts several notes that stand one after another, with blank lines between them or behind. What each of them is
 * worth says `readCheckpoint`.
 */
export function splitNotes(text: string): string[] {
  const notes: string[] = []
  let note: string[] = []
  let isSigned = false
  for (const line of text.split(/(?<=\n)/)) {
    const isSignature: boolean = line.startsWith('\u2014 ') && (isSigned || note.at(-1) === '\n')
    if (isSigned && !isSignature) {
      notes.push(note.join(''))
      note = []
    }
    isSigned = isSignature
    // Blank lines part notes; in front of the first one there is none to part.
    if (note.length > 0 || notes.length === 0 || line !== '\n') note.push(line)
  }
  if (note.length > 0) notes.push(note.join(''))
  return notes
}
