import { readCorpus, type Sample } from '../../../services/mcp-gateway/test/corpus.ts'
import type { Draws } from './draws.ts'
import type { Ground, Kind } from './ground.ts'
import { type RawOptions, sendRaw } from './raw.ts'

/** Who has the right credentials, and who has none: addresses of this machine, whose limits are apart. */
const KNOWN = '127.0.0.1'
const STRANGER = '127.0.0.2'
const EVENT = '{"event_type":"soak","subject":"s","decision":true}'
const BEYOND = ['429 rate_limited', '503 overloaded']

const corpus = readCorpus()
/** Those whose head is an ordinary one, so that credentials may stand in it. */
const ordinary = corpus.filter((one) => /^(targets|bodies): /.test(one.class) && !one.ends)

function head(ground: Ground, token: string, target: string, fields: string[]): string {
  const lines = [
    `${target} HTTP/1.1`,
    `Host: 127.0.0.1:${ground.port}`,
    `Authorization: Bearer ${token}`,
    ...fields,
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

const post = (ground: Ground, token: string, length: number) =>
  head(ground, token, 'POST /mcp-audit/log', [
    'Content-Type: application/json',
    `Content-Length: ${length}`,
  ])

/** What a sample promises, told as an outcome. */
function promised({ expect, reaches }: Sample): string[] {
  if (expect.status === 0) return ['closed']
  // What reaches a service depends on how much is on the log.
  return [String(expect.status), ...(reaches ? ['200', '400', '404'] : [])]
}

function withCredentials(one: Sample, ground: Ground, token: string): Buffer {
  const text = one.bytes(ground.port).toString('latin1')
  return Buffer.from(text.replace('\r\n', `\r\nAuthorization: Bearer ${token}\r\n`), 'latin1')
}

type Shot = Omit<RawOptions, 'port'> & { expected: readonly string[]; what: string }

function kind(name: string, weight: number, make: (ground: Ground, draws: Draws) => Shot): Kind {
  return {
    name,
    weight,
    async send(ground, draws) {
      const { expected, what, ...options } = make(ground, draws)
      const [outcome = 'closed'] = await sendRaw({ port: ground.port, ...options })
      return { outcome, expected, what }
    },
  }
}

/** Requests of those who mean harm, or do not know what they do: one connection each. */
export const HOSTILE: readonly Kind[] = [
  kind('corpus, with credentials', 20, (ground, draws) => {
    const one = draws.of(ordinary)
    const bytes = withCredentials(one, ground, ground.honest(draws))
    return { bytes, from: KNOWN, expected: [...promised(one), '429', '503'], what: one.what }
  }),
  kind('corpus, without', 20, (ground, draws) => {
    const one = draws.of(corpus)
    const expected = [...promised(one), '401', '429', '503']
    return {
      bytes: one.bytes(ground.port),
      from: STRANGER,
      ends: one.ends,
      expected,
      what: one.what,
    }
  }),
  kind('wrong credentials', 10, (ground, draws) => {
    const made = `mcp_${String(draws.below(10)).repeat(8)}_${'A'.repeat(43)}`
    const token = draws.of(['x', made, 'a.b.c', ground.tokens.honest[0]?.slice(0, -1) ?? ''])
    const bytes = head(ground, token, 'GET /mcp-audit/events', [])
    return { bytes, from: STRANGER, expected: ['401 unauthorized', ...BEYOND], what: token }
  }),
  kind('revoked credentials', 2, (ground) => ({
    bytes: head(ground, ground.tokens.revoked, 'GET /mcp', []),
    from: STRANGER,
    expected: ['401 unauthorized', ...BEYOND],
    what: 'the revoked key',
  })),
  kind('without the scope', 3, (ground) => ({
    bytes: post(ground, ground.tokens.reader, EVENT.length) + EVENT,
    from: KNOWN,
    expected: ['403 insufficient_scope', ...BEYOND],
    what: EVENT,
  })),
  kind('reserved type', 2, (ground, draws) => {
    const type = draws.of(['policy.activated', 'gate.decided', 'audit.x', 'lineage.x', 'auth.x'])
    const body = EVENT.replace('soak', type)
    const bytes = post(ground, ground.honest(draws), body.length) + body
    return { bytes, from: KNOWN, expected: ['403 event_type_reserved', ...BEYOND], what: body }
  }),
  kind('body too large', 2, (ground, draws) => ({
    bytes: post(ground, ground.honest(draws), 2_000_000) + 'x'.repeat(draws.of([0, 70_000])),
    from: KNOWN,
    expected: ['413 body_too_large', ...BEYOND],
    what: '2 MB',
  })),
  kind('body too deep', 3, (ground, draws) => {
    const depth = draws.of([200, 20_000, 400_000])
    const body = `{"event_type":"soak","subject":"s","decision":true,"details":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`
    const bytes = post(ground, ground.honest(draws), body.length) + body
    return { bytes, from: KNOWN, expected: ['400', ...BEYOND], what: `${depth} deep` }
  }),
  kind('body cut off', 5, (ground, draws) => ({
    bytes: post(ground, ground.honest(draws), 1_000) + EVENT,
    from: KNOWN,
    leavesAfter: draws.below(300),
    expected: ['left', 'closed'],
    what: 'a part of the body',
  })),
  kind('leaves before the answer', 5, (ground, draws) => ({
    bytes: head(
      ground,
      ground.honest(draws),
      draws.of(['GET /mcp-audit/events?limit=1000', 'GET /mcp-audit/export?fmt=ndjson']),
      [],
    ),
    from: KNOWN,
    leavesAfter: draws.below(60),
    expected: ['left', 'closed'],
    what: 'a page or an export',
  })),
  kind('half-closed', 4, (ground, draws) => ({
    bytes: post(ground, ground.honest(draws), EVENT.length) + EVENT,
    from: KNOWN,
    ends: true,
    // Who closes its side is taken to have left; the entry may be there all the same.
    expected: ['closed', '200', ...BEYOND],
    what: 'the sending side closed behind the request',
  })),
  kind('pipelined', 3, (ground, draws) => ({
    bytes: head(ground, ground.honest(draws), 'GET /mcp', []).repeat(20),
    from: KNOWN,
    answers: 20,
    expected: ['200', ...BEYOND],
    what: '20 requests at once',
  })),
  {
    name: 'flood',
    weight: 0.15,
    /** Twelve connections with a hundred requests each, all at once: some three times what a caller may at once. */
    async send(ground) {
      const bytes = head(ground, ground.tokens.flooder, 'GET /mcp', []).repeat(100)
      const shots = Array.from({ length: 12 }, () =>
        sendRaw({ port: ground.port, bytes, from: KNOWN, answers: 100 }),
      )
      const outcomes = (await Promise.all(shots)).flat()
      const expected = ['200', ...BEYOND, 'closed']
      const wrong = outcomes.find(
        (outcome) => !expected.includes(outcome) && !expected.includes(outcome.slice(0, 3)),
      )
      const isLimited = outcomes.includes('429 rate_limited')
      const outcome = wrong ?? (isLimited ? '429 rate_limited' : 'not limited')
      // On a machine that has other things to do they may take so long that they are within the rate.
      return { outcome, expected: ['429 rate_limited', 'not limited'], what: '1,200 requests' }
    },
  },
]
