import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** What a request asks for: one entry, one entry with its proof, several under one key, or a registration. */
export type Kind = 'log' | 'proof' | 'batch' | 'register'

/** An inclusion proof as an answer held it, with the size and root of the checkpoint below it. */
export interface Proof {
  index: number
  size: number
  /** In base64, like `root`. */
  hashes: string[]
  root: string
}

/**
 * One line of a history, in the order in which things happened to the driver; `at` in ms since 1970. `refused` is an
 * answer that says that nothing was changed, `doubt` one that leaves it open, or none.
 */
export type Line =
  | { t: 'sent'; key: string; kind: Kind; events: number; at: number }
  | { t: 'acked'; key: string; at: number; replayed: boolean; entries: Entry[]; proof?: Proof }
  | { t: Failure['t']; key: string; at: number; ms: number; status: number; code: string }

/** Id and `entry_hash`, as acknowledged. */
export type Entry = readonly [id: number, entryHash: string]

/** All that is known of one request, over all its attempts. */
export interface Request {
  kind: Kind
  /** How many entries it appends. */
  events: number
  acks: { replayed: boolean; entries: Entry[] }[]
  doubts: number
}

/** An attempt that was not acknowledged. */
export interface Failure {
  t: 'refused' | 'doubt'
  key: string
  at: number
  /** How long it took. */
  ms: number
  /** 0 where there was no answer, `HANGS` where it was given up. */
  status: number
  code: string
}

/** What a driver saw. */
export interface History {
  /** Begins the key of each of its requests. */
  name: string
  requests: Map<string, Request>
  /** When each acknowledgement came, in order. */
  ackedAt: number[]
  failures: Failure[]
  proofs: (Proof & { id: number })[]
}

/** The status of an attempt that was given up after 30 s. */
export const HANGS = -1

/** Reads the file that the driver of this name wrote. */
export async function readHistory(name: string, file: string): Promise<History> {
  const history: History = {
    name,
    requests: new Map(),
    ackedAt: [],
    failures: [],
    proofs: [],
  }
  for await (const text of createInterface({ input: createReadStream(file) })) {
    take(history, JSON.parse(text))
  }
  return history
}

function take({ requests, ackedAt, failures, proofs }: History, line: Line): void {
  if (line.t === 'sent') {
    if (requests.has(line.key)) return
    requests.set(line.key, { kind: line.kind, events: line.events, acks: [], doubts: 0 })
    return
  }
  const request = requests.get(line.key)
  if (!request) throw new Error(`the history answers ${line.key} before it was sent`)
  if (line.t === 'acked') {
    request.acks.push({ replayed: line.replayed, entries: line.entries })
    ackedAt.push(line.at)
    const [entry] = line.entries
    if (line.proof && entry) proofs.push({ ...line.proof, id: entry[0] })
    return
  }
  if (line.t === 'doubt') request.doubts++
  failures.push(line)
}

/** How often each answer came that was no acknowledgement, as `503 database_busy`. */
export function answersOf({ failures }: History): Map<string, number> {
  const answers = new Map<string, number>()
  for (const { status, code } of failures) {
    const answer = `${status} ${code}`
    answers.set(answer, (answers.get(answer) ?? 0) + 1)
  }
  return answers
}
