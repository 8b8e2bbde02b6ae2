import { type Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { EXAMPLE_PAYLOAD } from '../../example-payload.ts'
import { type Acknowledgement, type Failure, HANGS, type Kind } from './history.ts'

/** A request that is ready to be sent, as often as it takes, under one key. */
export interface Prepared {
  key: string
  kind: Kind
  events: number
  path: string
  body: string
}

/** What an attempt came to. */
export type Outcome =
  | ({ t: 'acked' } & Acknowledgement)
  | Pick<Failure, 't' | 'status' | 'code' | 'retryAfter'>

const BATCH = 5
/** Nothing may hang longer, in ms. */
const PATIENCE = 30_000
const PATHS: Record<Kind, string> = {
  log: '/log',
  proof: '/log?proof=true',
  batch: '/log/batch',
  register: '/register',
  gate: '/api/v1/gate',
}

/**
 * The key stands in what is recorded too, so that whoever reads the log can count the entries of each. `chance`, at
 * least 0 and below 1, is what the content leaves to chance.
 */
export function prepare(kind: Kind, key: string, client: number, chance: number): Prepared {
  const event = (n: number) => ({
    event_type: 'load.test',
    subject: `client@${client}`,
    decision: true,
    details: { key, n, chance },
  })
  const content = {
    log: () => event(0),
    proof: () => event(0),
    batch: () => ({ events: Array.from({ length: BATCH }, (_, n) => event(n)) }),
    register: () => ({
      model_id: `model-${client}`,
      version: key,
      created_by: 'driver',
      metadata: { key, chance },
    }),
    // Half of them say too little to be allowed.
    gate: () => ({
      payload: { ...(chance < 0.5 && EXAMPLE_PAYLOAD), name: key },
      subject: `client@${client}`,
      record: 'full',
    }),
  }
  const body = JSON.stringify(content[kind]())
  return { key, kind, events: kind === 'batch' ? BATCH : 1, path: PATHS[kind], body }
}

/** Sends it once; `abandonMs` closes the connection after that time, as a caller does who gives up. */
export async function attempt(
  base: string,
  { key, path, body, kind }: Prepared,
  agent: Agent,
  abandonMs?: number,
): Promise<Outcome> {
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'idempotency-key': key,
  }
  const call = request(base + path, { method: 'POST', agent, headers })
  const giveUp = new AbortController()
  const answer = new Promise<Outcome>((resolve) => {
    call.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => {
        const replayed = response.headers['idempotency-replayed'] === 'true'
        const outcome = judge(response.statusCode ?? 0, text, kind, replayed)
        const retryAfter = response.headers['retry-after']
        const isMore = outcome.t !== 'acked' && retryAfter !== undefined
        resolve(isMore ? { ...outcome, retryAfter } : outcome)
      })
      response.on('error', () => resolve({ t: 'doubt', status: 0, code: 'broke off' }))
    })
    call.on('error', ({ code = 'broke off' }: NodeJS.ErrnoException) =>
      // Who could not connect has asked for nothing.
      resolve({ t: code === 'ECONNREFUSED' ? 'refused' : 'doubt', status: 0, code }),
    )
    call.end(body)
  })
  const late = sleep(abandonMs ?? PATIENCE, null, { signal: giveUp.signal }).then(
    (): Outcome => {
      call.destroy()
      const given = abandonMs === undefined ? { status: HANGS, code: 'hangs' } : null
      return { t: 'doubt', ...(given ?? { status: 0, code: 'abandoned' }) }
    },
    () => answer,
  )
  const outcome = await Promise.race([answer, late])
  giveUp.abort()
  return outcome
}

/** docs/API.md, "Errors": 500, 502, 504 and `outcome_unknown` leave open what became of a POST. */
function judge(status: number, text: string, kind: Kind, replayed: boolean): Outcome {
  if (status === 200) return { t: 'acked', replayed, ...acknowledged(JSON.parse(text), kind) }
  const code = codeOf(text)
  const isOpen = [500, 502, 504].includes(status) || code === 'outcome_unknown'
  return { t: isOpen ? 'doubt' : 'refused', status, code }
}

interface Answer {
  id: number
  entry_hash: string
  proof?: { index: number; size: number; hashes: string[]; checkpoint: string } | null
}

interface Answers extends Answer {
  audit: Answer
  allowed: boolean
  decision: { decision_id: string }
}

function acknowledged(answer: Answers & Answer[], kind: Kind): Omit<Acknowledgement, 'replayed'> {
  const isAround = kind === 'register' || kind === 'gate'
  const answers = kind === 'batch' ? answer : [isAround ? answer.audit : answer]
  const entries = answers.map(({ id, entry_hash }) => [id, entry_hash] as const)
  if (kind === 'gate') {
    const { allowed, decision } = answer
    return { entries, decided: { allowed, decisionId: decision.decision_id } }
  }
  if (!answer.proof) return { entries }
  const { checkpoint, ...proof } = answer.proof
  const root = checkpoint.split('\n')[2] ?? ''
  return { entries, proof: { ...proof, root } }
}

function codeOf(text: string): string {
  try {
    return String(JSON.parse(text).code)
  } catch {
    return 'no problem details'
  }
}
