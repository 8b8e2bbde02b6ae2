import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/**
 * What a request asks for: one entry, one entry with its proof, several under one key, a registration, or a decision
 * of the gate.
 */
export type Kind = 'log' | 'proof' | 'batch' | 'register' | 'gate'

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
  | ({ t: 'acked'; key: string; at: number } & Acknowledgement)
  | Failure

/** Id and `entry_hash`, as acknowledged. */
export type Entry = readonly [id: number, entryHash: string]

/** What the gate said that it had decided, or what is on record of it. */
export interface Decided {
  allowed: boolean
  decisionId: string
}

/** What an answer said that is there. */
export interface Acknowledgement {
  replayed: boolean
  entries: Entry[]
  proof?: Proof
  decided?: Decided
}

/** All that is known of one request, over all its attempts. */
export interface Request {
  kind: Kind
  /** How many entries it appends. */
  events: number
  acks: Pick<Acknowledgement, 'replayed' | 'entries' | 'decided'>[]
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
  /** The header field of this name, where the answer had it. */
  retryAfter?: string
}

/** What a driver saw. */
export interface History {
  /** Begins the key of each of its requests. */
  name: string
  requests: Map<string, Request>
  /** When each acknowledgement came, in order: of all, and of each kind that had any. */
  ackedAt: number[]
  ackedAtOf: Map<Kind, number[]>
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
    ackedAtOf: new Map(),
    failures: [],
    proofs: [],
  }
  for await (const text of createInterface({ input: createReadStream(file) })) {
    take(history, JSON.parse(text))
  }
  return history
}

function take(history: History, line: Line): void {
  const { requests, ackedAt, ackedAtOf, failures, proofs } = history
  if (line.t === 'sent') {
    if (requests.has(line.key)) return
    requests.set(line.key, { kind: line.kind, events: line.events, acks: [], doubts: 0 })
    return
  }
  const request = requests.get(line.key)
  if (!request) throw new Error(`the history answers ${line.key} before it was sent`)
  if (line.t === 'acked') {
    const { replayed, entries, decided } = line
    request.acks.push({ replayed, entries, ...(decided && { decided }) })
    ackedAt.push(line.at)
    const own = ackedAtOf.get(request.kind)
    if (own) own.push(line.at)
    else ackedAtOf.set(request.kind, [line.at])
    const [entry] = entries
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
