import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateAibomKeyPair } from '../src/aibom-keys.ts'
import { signAibom } from '../src/aibom-sign.ts'
import { POLICY_EXIT } from '../src/cli/policy-exit.ts'
import type { JsonObject } from '../src/json.ts'
import { aigov } from './aigov.ts'
import type { Content } from './entries.ts'
import { ALLOWED, changedPolicies, SHIPPED, scratchFolder } from './policy-folders.ts'
import { logOf, recorderOf } from './recorded-log.ts'

const cwd = scratchFolder()
const NOW = new Date('2026-11-20T12:00:00.123Z')
const strict = changedPolicies(cwd, 'strict', [
  ['model-policy.yml', 'id: high-risk-accuracy\n    mode: warn', 'id: high-risk-accuracy'],
])
const dated = changedPolicies(cwd, 'dated', [
  [
    'model-policy.yml',
    'id: prohibited-use',
    'id: prohibited-use\n    effective_from: "2026-11-21"',
  ],
  ['risk-matrix.yml', 'deny_at: 30', 'deny_at: 20'],
])

const written = (name: string, contents: readonly Content[]): string => {
  writeFileSync(join(cwd, name), `${logOf(contents).join('\n')}\n`)
  return name
}
const policy = async (...args: string[]) => {
  const ended = await aigov(['policy', ...args], { cwd })
  return { ...ended, result: ended.out.startsWith('{') ? JSON.parse(ended.out) : null }
}

test('10,000 decisions under three successive policy sets are judged again from an export alone, all equal', async () => {
  const { publicKeyPem, seed, publicKey } = generateAibomKeyPair()
  const bills = [0.7, 0.9].map((accuracy) =>
    signAibom({ model_id: 'm', version: '1', metrics: { accuracy } }, { seed, publicKey }),
  )
  const contents: Content[] = []
  for (const [round, folder] of [SHIPPED, strict, dated].entries()) {
    const aibomRequired = round === 2
    const recorder = await recorderOf(folder, { aibomKeys: [publicKeyPem], aibomRequired })
    const first = contents.length
    for (let i = 0; i < 3333 + Number(round === 0); i += 1) {
      const now = new Date(NOW.getTime() + i * 60_000)
      contents.push(recorder.decided(payloadOf(i, bills), now, i % 500 === 0 ? 2000 : 0.1))
    }
    // The first decisions may stand on the log before the entry that says by which policies they were made.
    contents.splice(first + 10, 0, recorder.activated())
  }
  const allowed = contents.filter(({ decision }) => decision).length
  assert.ok(allowed > 1000 && allowed < 9000, String(allowed))
  const { code, result } = await policy('replay', written('log.ndjson', contents), '--json')
  assert.deepEqual(result.unequal.slice(0, 3), [])
  assert.deepEqual([code, result.ok, result.equal, result.decisions], [0, true, 10_000, 10_000])
  assert.equal(result.policy_sets.length, 3)
})

/** Payloads of many kinds, some with a bill of materials, some of them tampered with. */
function payloadOf(i: number, bills: readonly object[]): JsonObject {
  const uses = ['general', 'hr-screening', 'credit-scoring', 'social-scoring', 'unheard-of']
  const payload: JsonObject = {
    ...structuredClone(ALLOWED),
    use_case: uses[i % uses.length] as string,
    note: `\u00e9\u2028 ${i} ${1 / (i + 1)}`,
  }
  if (i % 3 === 0) payload.oversight = { human: 'in-the-loop', owner: `person ${i % 7}` }
  if (i % 4 === 0) (payload.risk as JsonObject).data_sensitivity = i % 6
  if (i % 11 === 0) delete payload.risk
  if (i % 20 !== 0) return payload
  const bill = structuredClone(bills[(i / 20) % bills.length]) as { data: JsonObject }
  if (i % 60 === 0) bill.data.metrics = { accuracy: 1 }
  const names = i % 40 === 0 ? { model_id: 'm', version: '1' } : {}
  return { ...payload, ...names, aibom: bill as unknown as JsonObject }
}

test('a decision that was altered is exit code 4, and every altered member is named', async () => {
  const recorder = await recorderOf(SHIPPED)
  const deny = { ...ALLOWED, use_case: 'social-scoring' }
  const altered = recorder.decided(deny, NOW)
  const { decision } = altered.details as { decision: JsonObject }
  Object.assign(decision, { allowed: true, reasons: [] })
  const contents = [recorder.activated(), recorder.decided(deny, NOW), altered]
  const { code, result } = await policy('replay', written('altered.ndjson', contents), '--json')
  assert.deepEqual([code, result.equal], [POLICY_EXIT.failed, 1])
  const [{ entry, differences }] = result.unequal
  assert.equal(entry, 3)
  assert.deepEqual(
    differences.map(({ what }: { what: string }) => what),
    ['allowed', 'reasons'],
  )
  const text = await policy('replay', 'altered.ndjson')
  assert.match(text.out, /^entry 3: differs in allowed, reasons\nNOT EQUAL {2}1 of 2 decisions/)
})

for (const [what, change] of [
  ['the entry says another decision', (c: Content) => ({ ...c, decision: !c.decision })],
  ['the payload is another', (c: Content) => changed(c, 'payload', { note: 'another' })],
  [
    'the clock is another',
    (c: Content) => changed(c, 'decision', { evaluated_at: '2026-11-22T00:00:00.000000Z' }),
  ],
  ['it was too late', (c: Content) => changed(c, 'decision', { within_sla: false })],
  ['a member is missing', (c: Content) => without(c, 'counts')],
] as const) {
  test(`a decision is not equal where ${what}`, async () => {
    const recorder = await recorderOf(dated)
    const decided = recorder.decided({ ...ALLOWED, use_case: 'social-scoring' }, NOW)
    const contents = [recorder.activated(), change(decided)]
    const { code, result } = await policy('replay', written('one.ndjson', contents), '--json')
    assert.deepEqual([code, result.equal, result.unequal.length], [POLICY_EXIT.failed, 0, 1])
  })
}

function changed(content: Content, member: 'payload' | 'decision', values: object): Content {
  const details = structuredClone(content.details) as Record<typeof member, object>
  return { ...content, details: { ...details, [member]: { ...details[member], ...values } } }
}

function without(content: Content, member: string): Content {
  const { payload, decision } = content.details as { payload: object; decision: object }
  const rest = Object.entries(decision).filter(([name]) => name !== member)
  return { ...content, details: { payload, decision: Object.fromEntries(rest) } }
}

test('a decision whose policies are not in the export, or not those of the digest, is not equal', async () => {
  const [recorder, other] = [await recorderOf(SHIPPED), await recorderOf(strict)]
  const decided = recorder.decided(ALLOWED, NOW)
  const absent = await policy('replay', written('absent.ndjson', [decided, other.activated()]))
  assert.equal(absent.code, POLICY_EXIT.failed)
  assert.match(
    absent.out,
    /^entry 1: no policy\.activated entry of the export is about its policies/,
  )
  const swapped = { ...other.activated(), subject: recorder.digest }
  const wrong = await policy('replay', written('wrong.ndjson', [swapped, decided]))
  assert.equal(wrong.code, POLICY_EXIT.failed)
  assert.match(
    wrong.out,
    /^entry 2: the policies of entry 1 cannot be used: its files have the digest sha256:/,
  )
})

test('of decisions whose policies come too late only so many are held in memory', async () => {
  const recorder = await recorderOf(SHIPPED)
  const decided = recorder.decided(ALLOWED, NOW)
  const contents = [...new Array<Content>(10_001).fill(decided), recorder.activated()]
  const { code, result } = await policy('replay', written('late.ndjson', contents), '--json')
  assert.deepEqual([code, result.equal, result.unequal.length], [POLICY_EXIT.failed, 10_000, 1])
  assert.match(result.unequal[0].why, /more than 10000 decisions wait for/)
})

test('the same policies with another comment explain by other lines, and both are found', async () => {
  const commented = changedPolicies(cwd, 'commented', [
    ['model-policy.yml', 'policy:', '# New.\npolicy:'],
  ])
  const contents: Content[] = []
  for (const folder of [SHIPPED, commented]) {
    const recorder = await recorderOf(folder)
    contents.push(recorder.activated(), recorder.decided(ALLOWED, NOW))
  }
  const { code, result } = await policy('replay', written('lines.ndjson', contents), '--json')
  assert.deepEqual([code, result.equal, result.policy_sets.length], [0, 2, 1])
})

test('entries that record no decision are passed over, and an export that broke off is exit code 2', async () => {
  const contents = [{ details: { payload: {}, decision: true } }, { details: { decision: {} } }]
  const none = await policy('replay', written('none.ndjson', contents))
  assert.deepEqual([none.code, none.out.startsWith('NOTHING TO REPLAY')], [0, true])
  writeFileSync(join(cwd, 'cut.ndjson'), `${logOf(contents)[0]}\n`)
  const cut = await policy('replay', 'cut.ndjson')
  assert.deepEqual([cut.code, cut.out], [POLICY_EXIT.usage, ''])
  assert.match(cut.err, /cut\.ndjson is no whole NDJSON export/)
})

test('diff names each thing that the newer policies say differently, at its line', async () => {
  const { code, out } = await policy('diff', SHIPPED, 'dated')
  assert.equal(code, 0)
  assert.match(
    out,
    /^dated\/model-policy\.yml:\d+ added rules prohibited-use effective_from: "2026-11-21"$/m,
  )
  assert.match(out, /^dated\/risk-matrix\.yml:\d+ changed deny_at: 30 becomes 20$/m)
  assert.equal(out.trimEnd().split('\n').length, 2)
  const same = await policy('diff', SHIPPED, SHIPPED)
  assert.deepEqual([same.code, same.out], [0, 'The policies say the same.\n'])
  const moved = changedPolicies(cwd, 'moved', [
    ['risk-matrix.yml', 'deny_at: 30\n', ''],
    ['risk-matrix.yml', 'levels:', 'deny_at: 30\nlevels:'],
  ])
  assert.equal((await policy('diff', SHIPPED, moved)).out, 'The policies say the same.\n')
  const rule = '  - { id: %, reason: R., deny: { field: model_class, op: eq, value: speech } }\n'
  const [a, b] = ['one', 'two'].map((id) => rule.replace('%', id))
  const ordered = [`${a}${b}`, `${b}${a}`].map((rules, i) =>
    changedPolicies(cwd, `order-${i}`, [['model-policy.yml', 'rules:\n', `rules:\n${rules}`]]),
  )
  const order = await policy('diff', ...(ordered as [string, string]))
  assert.deepEqual([order.code, order.out], [0, 'The policies say the same in another order.\n'])
})

test('diff tells which recorded decisions changed policies would turn, and is exit code 1 if one', async () => {
  const recorder = await recorderOf(SHIPPED)
  const oversight = { human: 'in-the-loop', owner: 'o' }
  const hiring = { ...ALLOWED, use_case: 'hr-screening', oversight }
  const banned = { ...ALLOWED, use_case: 'social-scoring' }
  const contents = [
    recorder.activated(),
    ...[ALLOWED, hiring, banned].map((it) => recorder.decided(it, NOW)),
  ]
  const file = written('decisions.ndjson', contents)
  const one = await policy('diff', 'strict', '--export', file)
  assert.equal(one.code, POLICY_EXIT.denied)
  assert.match(
    one.out,
    /^entry 3: allowed becomes denied: High-risk use should state .*\n1 of 3 recorded/,
  )
  const back = await policy('diff', 'strict', SHIPPED, '--export', file, '--json')
  assert.deepEqual(
    back.result.turned.map(({ entry, before, after }: JsonObject) => [entry, before, after]),
    [[3, false, true]],
  )
  const still = await policy('diff', SHIPPED, '--export', file)
  assert.deepEqual([still.code, still.out], [0, '0 of 3 recorded decisions would turn.\n'])
  // At the time of the decisions the rule was not yet in force: judged by its own clock it turns.
  const later = await policy('diff', 'dated', '--export', file)
  assert.match(later.out, /^entry 4: denied becomes allowed: Social scoring is prohibited/)
})

test('diff does not pass over a decision that it cannot read: exit code 4, and an error to annotate', async () => {
  const recorder = await recorderOf(SHIPPED)
  const { details, ...rest } = recorder.decided(ALLOWED, NOW)
  const { payload: _, ...bare } = details as JsonObject
  const file = written('bare.ndjson', [recorder.activated(), { ...rest, details: bare }])
  const said = await policy('diff', 'strict', '--export', file)
  assert.equal(said.code, POLICY_EXIT.failed)
  assert.match(
    said.out,
    /^entry 2 cannot be judged: its details hold an answer without its payload\.$/m,
  )
  const annotated = await policy('diff', 'strict', '--export', file, '--format', 'github')
  assert.equal(annotated.code, POLICY_EXIT.failed)
  assert.match(annotated.out, /^::error .*entry 2 cannot be judged/m)
})

test('diff does not take the words of a rule for a setting of the service', async () => {
  const reason = 'A verified AI bill of materials is no excuse for social scoring.'
  const worded = changedPolicies(cwd, 'worded', [
    [
      'model-policy.yml',
      'Social scoring is prohibited, and the use of the model must be stated.',
      reason,
    ],
  ])
  const recorder = await recorderOf(worded)
  const decided = recorder.decided({ ...ALLOWED, use_case: 'social-scoring' }, NOW)
  const required = await recorderOf(SHIPPED, { aibomRequired: true })
  const without = required.decided(ALLOWED, NOW)
  const late = recorder.decided(ALLOWED, NOW, 2000)
  const file = written('worded.ndjson', [decided, without, late])
  const { code, result } = await policy('diff', 'dated', '--export', file, '--json')
  assert.equal(code, POLICY_EXIT.denied)
  assert.deepEqual(
    result.turned.map(({ entry, after, reasons }: JsonObject) => [entry, after, reasons]),
    [[1, true, [reason]]],
  )
})
