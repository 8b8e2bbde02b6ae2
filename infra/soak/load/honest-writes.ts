import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLE_PAYLOAD } from '../../example-payload.ts'
import type { Entry } from '../../faults/load/history.ts'
import type { Answer } from './call.ts'
import type { Draws } from './draws.ts'
import type { Ground, Kind, Sent, Written } from './ground.ts'

/** How an honest caller is told to come back in a moment; how often is judged apart. */
export const COME_BACK = ['503 overloaded', '503 not_recorded']
export const HONEST = ['200', ...COME_BACK]
const BATCH = 5
/** A write in doubt is sent again so often, after so many ms. */
const TRIES = 10
const REST = 200

/** Its key stands in what is recorded too, so that whoever reads the log can count the entries of each. */
function event(key: string, n: number, draws: Draws) {
  const note = 'x'.repeat(draws.below(draws.next() < 0.02 ? 20_000 : 300))
  return {
    event_type: 'model.deployed',
    subject: `model-${draws.below(50)}@1.${draws.below(20)}`,
    decision: draws.next() < 0.9,
    details: { key, n, note },
  }
}

/** @param key also where it is not sent as one: it names the write in the history */
function written(kind: Written['kind'], key: string, ground: Ground, draws: Draws): Written {
  const token = ground.honest(draws)
  const to = (path: string, body: unknown): Written => ({
    ...{ kind, key },
    call: { path, token, body, key },
  })
  if (kind === 'log') return to('/mcp-audit/log', event(key, 0, draws))
  if (kind === 'proof') return to('/mcp-audit/log?proof=true', event(key, 0, draws))
  if (kind === 'batch') {
    const events = Array.from({ length: BATCH }, (_, n) => event(key, n, draws))
    return to('/mcp-audit/log/batch', { events })
  }
  return to('/mcp-lineage/register', {
    model_id: `model-${draws.below(50)}`,
    version: `1.${draws.below(20)}`,
    created_by: 'soak',
    metadata: { key },
  })
}

/** Sends it, writes down what was said, and, where the outcome is open and it has a key, sends it again. */
async function sendNoted(ground: Ground, write: Written): Promise<Sent> {
  const { key, kind } = write
  const events = kind === 'batch' ? BATCH : 1
  let first: Answer | null = null
  for (let tries = 0; tries < TRIES; tries++) {
    const at = Date.now()
    ground.note({ t: 'sent', key, kind, events, at })
    const answer = await ground.call(write.call)
    first ??= answer
    const t = noteAnswer(ground, write, answer, at)
    if (t !== 'doubt' || write.call.key === undefined) break
    await sleep(REST)
  }
  return { outcome: first?.outcome ?? '', expected: HONEST, what: `${kind} ${key}` }
}

function noteAnswer(ground: Ground, { key, kind }: Written, answer: Answer, sentAt: number) {
  const { outcome, text, replayed } = answer
  const at = Date.now()
  if (outcome === '200') {
    const entries = entriesOf(kind, text)
    for (const [id] of entries) ground.entries.add(id)
    ground.note({ t: 'acked', key, at, replayed, entries, ...proofOf(kind, text) })
    return 'acked'
  }
  const [status = '', code = outcome] = outcome.split(' ')
  // docs/API.md, "Errors": whatever of these comes leaves open what became of a POST; so does no answer.
  const isOpen = !/^4\d\d$|^503$/.test(status) || code === 'outcome_unknown'
  const t = isOpen ? 'doubt' : 'refused'
  ground.note({ t, key, at, ms: at - sentAt, status: Number(status) || 0, code })
  return t
}

function entriesOf(kind: Written['kind'], text: string): Entry[] {
  const value = JSON.parse(text)
  const entries = kind === 'batch' ? value : [kind === 'register' ? value.audit : value]
  return entries.map(({ id, entry_hash }: { id: number; entry_hash: string }) => [id, entry_hash])
}

function proofOf(kind: Written['kind'], text: string) {
  if (kind !== 'proof') return {}
  const { checkpoint, ...proof } = JSON.parse(text).proof
  return { proof: { ...proof, root: checkpoint.split('\n')[2] } }
}

const fresh = (kind: Written['kind'], weight: number): Kind => ({
  name: kind,
  weight,
  async send(ground, draws, name) {
    const write = written(kind, name, ground, draws)
    const sent = await sendNoted(ground, write)
    if (sent.outcome === '200') ground.written.add(write)
    return sent
  },
})

const unkeyed: Kind = {
  name: 'log, without a key',
  weight: 10,
  send(ground, draws, name) {
    const { key, ...call } = written('log', name, ground, draws).call
    return sendNoted(ground, { kind: 'log', key: key as string, call })
  },
}

const again: Kind = {
  name: 'write, again under its key',
  weight: 3,
  send(ground, draws, name) {
    const known = ground.written.items
    return known.length === 0
      ? fresh('log', 0).send(ground, draws, name)
      : sendNoted(ground, draws.of(known))
  },
}

const gate: Kind = {
  name: 'gate',
  weight: 8,
  async send(ground, draws, name) {
    const artifacts = [`sha256:${String(draws.below(10)).repeat(64)}`]
    // Not as `name`, which whoever reads the log would take for the key of a history: decisions are judged apart.
    const payload = { ...(draws.next() < 0.7 && EXAMPLE_PAYLOAD), call: name, artifacts }
    const record = draws.next() < 0.3 ? 'full' : 'digest'
    const body = { payload, subject: `model-${draws.below(50)}@1`, record }
    const isKeyed = draws.next() < 0.7
    const { outcome, text } = await ground.call({
      ...{ path: '/api/v1/gate', token: ground.honest(draws), body },
      ...(isKeyed && { key: name }),
    })
    if (outcome === '200') {
      const { allowed, decision, audit } = JSON.parse(text)
      const { id, entry_hash: entryHash } = audit
      ground.decided({ id, entryHash, allowed, decisionId: decision.decision_id })
    }
    return { outcome, expected: HONEST, what: JSON.stringify(body) }
  },
}

/** Writes whose outcome is told by the log: each acknowledged one must be there once at the end. */
export const HONEST_WRITES: readonly Kind[] = [
  fresh('log', 30),
  unkeyed,
  fresh('proof', 4),
  fresh('batch', 4),
  fresh('register', 4),
  again,
  gate,
]
