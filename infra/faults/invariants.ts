import { leafHash, verifyInclusion } from '../../clients/typescript/src/merkle.ts'
import { type Facts, rootsAt } from './facts.ts'
import { answersOf, HANGS, type History, type Request } from './load/history.ts'

/** What must hold in every run, whatever is killed. */
export const INVARIANTS = {
  I1: 'no acknowledged entry is lost',
  I2: 'no broken link and no fork; what checkpoints and proofs said is what the log holds',
  I3: 'no entry twice under one key, and none that nobody asked for',
  I4: 'what was in doubt is there once when asked for again, what was refused is not; where counted, no more were in doubt than under way',
  I5: 'no allow, and nothing else that must be attested, without its entry, nor an entry without what it attests',
  I6: 'no answer but 2xx, 4xx, 502, 503 and 504, and nothing hangs for 30 s',
  I7: 'the load was worth something: above 100 acknowledged a second before and after each fault',
  I8: 'builds that are broken on purpose violate one of these, and are found',
} as const

export type Invariant = keyof typeof INVARIANTS

/** One way in which a run violates an invariant: how often, and the first time in words. */
export interface Violation {
  invariant: Invariant
  what: string
  times: number
}

/** When faults began, and how many requests may be in doubt after each of them. */
export interface Strikes {
  /** In ms since 1970, in order. */
  at: readonly number[]
  /** Undefined where callers give up by themselves. */
  mostDoubts?: number | undefined
}

/** Every violation of I1 to I6 that shows in what a driver saw and what the database holds. */
export function violations(history: History, facts: Facts, strikes: Strikes): Violation[] {
  const found = new Findings()
  if (facts.chainFault !== null) found.add('I2', 'the chain', facts.chainFault)
  for (const what of facts.unattested) found.add('I5', 'attestation', what)
  for (const [key, request] of history.requests) judgeRequest(found, key, request, facts)
  for (const key of facts.idsByKey.keys()) {
    const isOwn = key.startsWith(`${history.name}-`)
    if (isOwn && !history.requests.has(key)) found.add('I3', 'unknown', `nobody asked for ${key}`)
  }
  judgeProofs(found, history, facts)
  judgeDoubts(found, history, strikes)
  for (const [answer, times] of answersOf(history)) {
    const status = Number(answer.split(' ')[0])
    // This load gives no reason for a 4xx.
    const isRight = [0, 502, 503, 504].includes(status)
    if (isRight) continue
    const what = status === HANGS ? 'a request hung for 30 s' : `an answer was ${answer}`
    found.add('I6', answer, what, times)
  }
  return found.all()
}

function judgeRequest(found: Findings, key: string, request: Request, facts: Facts): void {
  const { acks, doubts, events } = request
  const ids = facts.idsByKey.get(key) ?? []
  if (ids.length > events) {
    found.add('I3', 'twice', `${key} asked for ${events} and has ${ids.length}: ${ids.join(', ')}`)
  }
  const [first] = acks
  if (!first) {
    if (doubts > 0) found.add('I4', 'open', `${key} stayed in doubt, or was refused to the end`)
    else if (ids.length > 0) found.add('I4', 'refused', `${key} was refused, and is entry ${ids}`)
    return
  }
  judgeDecisions(found, key, acks, facts)
  for (const { entries } of acks) {
    for (const [id, entryHash] of entries) {
      if (facts.hashes[id - 1] !== entryHash || !ids.includes(id)) {
        found.add('I1', 'lost', `entry ${id} of ${key} is not there as it was acknowledged`)
      }
    }
    if (JSON.stringify(entries) !== JSON.stringify(first.entries)) {
      found.add('I3', 'answers', `${key} was acknowledged as two different things`)
    }
  }
  if (ids.length < events) {
    found.add('I1', 'parts', `${key} was acknowledged, and ${ids.length} of ${events} are there`)
  }
}

/** What the gate answered is what is on record, where it said. */
function judgeDecisions(
  found: Findings,
  key: string,
  acks: Request['acks'],
  { decisions }: Facts,
): void {
  for (const { entries, decided } of acks) {
    if (!decided) continue
    const [id = 0] = entries[0] ?? []
    const recorded = decisions.get(id)
    const isSame = recorded?.allowed === decided.allowed
    if (isSame && recorded?.decisionId === decided.decisionId) continue
    const said = decided.allowed ? 'allowed' : 'denied'
    found.add('I5', 'decisions', `${key} was ${said}, and entry ${id} does not say so`)
  }
}

function judgeProofs(found: Findings, { proofs }: History, { hashes }: Facts): void {
  const roots = rootsAt(
    hashes,
    proofs.map(({ size }) => size),
  )
  const hexOf = (base64: string) => Buffer.from(base64, 'base64').toString('hex')
  for (const proof of proofs) {
    const { id, index, size } = proof
    const root = hexOf(proof.root)
    const entryHash = hashes[id - 1]
    if (entryHash === undefined || roots.get(size) !== root) {
      found.add('I2', 'checkpoints', `a checkpoint of ${size} entries is not of this log`)
      continue
    }
    const path = proof.hashes.map(hexOf)
    if (index !== id - 1 || !verifyInclusion(index, size, leafHash(entryHash), path, root)) {
      found.add('I2', 'proofs', `the proof of entry ${id} does not verify`)
    }
  }
}

function judgeDoubts(found: Findings, { failures }: History, { at, mostDoubts }: Strikes): void {
  if (mostDoubts === undefined) return
  const doubts = failures.filter(({ t }) => t === 'doubt')
  for (const [i, begin] of at.entries()) {
    const end = at[i + 1] ?? Number.POSITIVE_INFINITY
    const keys = new Set(doubts.filter((one) => one.at >= begin && one.at < end).map((d) => d.key))
    if (keys.size > mostDoubts) {
      const what = `${keys.size} requests were in doubt after fault ${i + 1}, of ${mostDoubts} under way`
      found.add('I4', 'many', what)
    }
  }
}

/** Violations of one sort are told once, by the first of them. */
class Findings {
  readonly #found = new Map<string, Violation>()

  add(invariant: Invariant, sort: string, what: string, times = 1): void {
    const known = this.#found.get(`${invariant} ${sort}`)
    if (known) known.times += times
    else this.#found.set(`${invariant} ${sort}`, { invariant, what, times })
  }

  all(): Violation[] {
    return [...this.#found.values()].sort((one, other) =>
      one.invariant.localeCompare(other.invariant),
    )
  }
}
