import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateAibomKeyPair } from '../src/aibom-keys.ts'
import { signAibom } from '../src/aibom-sign.ts'
import type { AuditEntry } from '../src/audit-types.ts'
import { POLICY_EXIT } from '../src/cli/policy-exit.ts'
import { recordedDecision } from '../src/cli/recorded-decision.ts'
import { recordedPolicies } from '../src/cli/recorded-policies.ts'
import { Replay } from '../src/cli/replayed.ts'
import type { JsonObject, JsonValue } from '../src/json.ts'
import { aigov } from './aigov.ts'
import type { Content } from './entries.ts'
import { ALLOWED, changedPolicies, SHIPPED, scratchFolder } from './policy-folders.ts'
import { logOf, recorderOf } from './recorded-log.ts'

// What is forged here has the right hashes: whoever can write entries can forge it. What has not is for `entriesOf`.

const cwd = scratchFolder()
const NOW = new Date('2026-11-20T12:00:00.123Z')
const LATER = new Date('2026-12-01T00:00:00Z')
const { publicKeyPem, seed, publicKey } = generateAibomKeyPair()
const aibom = signAibom({ model_id: 'm', version: '1' }, { seed, publicKey })
const PAYLOAD = { ...ALLOWED, model_id: 'm', version: '1', aibom: aibom as unknown as JsonObject }
const recorder = await recorderOf(SHIPPED, { aibomKeys: [publicKeyPem] })

/** What a replay finds in a log with these contents. */
function replayed(contents: readonly Content[]) {
  const replay = new Replay()
  const lines = logOf(contents).slice(0, -1)
  for (const [i, line] of lines.entries()) {
    const entry = JSON.parse(line) as AuditEntry
    const policies = recordedPolicies(entry)
    if (policies) replay.take(policies)
    const decision = recordedDecision(entry)
    if (decision) replay.judge(decision, i + 1)
  }
  return { equal: replay.equal, unequal: replay.unequal(), unusable: replay.unusable }
}

const detailsOf = (content: Content) => content.details as Record<string, JsonValue>
function altered(content: Content, change: (details: Record<string, JsonValue>) => void): Content {
  const copy = structuredClone(content)
  change(detailsOf(copy))
  return copy
}
const decided = () => recorder.decided(PAYLOAD, NOW)
const answerOf = (details: Record<string, JsonValue>) => details.decision as JsonObject

test('no member of an answer can be left out, or be another, without a word', () => {
  assert.deepEqual(replayed([recorder.activated(), decided()]).equal, 1)
  const members = Object.keys(answerOf(detailsOf(decided())))
  assert.equal(members.length, 16)
  // What nothing in the record tells: these may be of another value, and not of another kind.
  const free: Record<string, JsonValue[]> = { elapsed_ms: [7, 0] }
  for (const name of members) {
    const absent = altered(decided(), (details) => delete answerOf(details)[name])
    assert.equal(replayed([recorder.activated(), absent]).unequal.length, 1, `without ${name}`)
    for (const value of [null, 7, 0, -1, 'x', '', [], {}, [null], true, false] as JsonValue[]) {
      const was = JSON.stringify(answerOf(detailsOf(decided()))[name])
      if (JSON.stringify(value) === was || free[name]?.includes(value)) continue
      const other = altered(decided(), (details) => {
        answerOf(details)[name] = value
      })
      const { equal, unequal } = replayed([recorder.activated(), other])
      assert.deepEqual([equal, unequal.length], [0, 1], `${name}: ${JSON.stringify(value)}`)
    }
  }
})

test('a member that is called as what every object has is one more, and stops nothing', () => {
  for (const name of ['toString', 'constructor', 'valueOf', '__proto__']) {
    const contents = [
      recorder.activated(),
      altered(decided(), (details) => {
        details.decision = JSON.parse(
          JSON.stringify(details.decision).replace('{', `{${JSON.stringify(name)}:{},`),
        )
      }),
      decided(),
    ]
    const { equal, unequal } = replayed(contents)
    assert.equal(equal, 1)
    assert.deepEqual(
      unequal.map(({ differences }) => differences.map(({ what }) => what)),
      [[name]],
    )
  }
})

test('what took too long is no allow, and the other way round', () => {
  for (const elapsed_ms of [1500.001, 99_999]) {
    const slow = altered(decided(), (details) => Object.assign(answerOf(details), { elapsed_ms }))
    assert.equal(replayed([recorder.activated(), slow]).equal, 0)
  }
  for (const ms of [1499.9996, 1500, 1500.0006]) {
    assert.equal(replayed([recorder.activated(), recorder.decided(PAYLOAD, NOW, ms)]).equal, 1)
  }
})

for (const [what, evaluated_at, why] of [
  ['of a day to come', '2027-01-01T00:00:00.000000Z', /is later than its entry/],
  ['before its policies were active', '2025-01-01T00:00:00.000000Z', /before its policies became/],
] as const) {
  test(`a clock ${what} is none`, () => {
    const contents = [
      recorder.activated(),
      altered(decided(), (details) => Object.assign(answerOf(details), { evaluated_at })),
    ]
    const { equal, unequal } = replayed(contents)
    assert.equal(equal, 0)
    assert.match(unequal[0]?.why ?? '', why)
  })
}

for (const [what, change, why] of [
  ['by another actor', (it: Content) => ({ ...it, actor: 'anonymous' }), /written by anonymous/],
  [
    'of an unknown actor',
    (it: Content) => ({ ...it, actor: 'service:mcp-polic\u0443' }),
    /written/,
  ],
  ['with another name', with_({ name: 'other' }), /its name, version or digest/],
  ['with another digest', with_({ digest: `sha256:${'0'.repeat(64)}` }), /its name, version or/],
  ['with no clock', with_({ activated_at: 'today' }), /activated_at/],
  ['of other semantics', with_({ semantics: 2 }), /semantics 1 only/],
  [
    'with a key of another id',
    with_({ aibom_keys: [{ id: '0', public_key: publicKeyPem }] }),
    /keys/,
  ],
  ['with no keys', with_({ aibom_keys: null }), /aibom_keys/],
  ['with a setting as text', with_({ aibom_required: 'false' }), /aibom_required/],
] as const) {
  test(`policies that became active ${what} are none to judge by`, () => {
    const { equal, unequal, unusable } = replayed([change(recorder.activated()), decided()])
    assert.deepEqual([equal, unequal.length, unusable.length], [0, 1, 1])
    assert.match(unequal[0]?.why ?? '', why)
  })
}

function with_(members: object) {
  return (it: Content) => altered(it, (details) => Object.assign(details, members))
}

test('files beside those of the set are not carried along', () => {
  const more = altered(recorder.activated(), (details) => {
    ;(details.files as JsonValue[]).push({ name: 'z.tests.yml', content: 'tests: x' })
  })
  assert.match(replayed([more, decided()]).unequal[0]?.why ?? '', /other files/)
})

test('a key that was taken away verifies nothing any more, nor is a setting of before in force', async () => {
  const newer = { activeSince: LATER }
  const other = await recorderOf(SHIPPED, {
    ...newer,
    aibomKeys: [generateAibomKeyPair().publicKeyPem],
  })
  const late = recorder.decided(PAYLOAD, new Date(LATER.getTime() + 3_600_000))
  const revoked = replayed([recorder.activated(), decided(), other.activated(), late])
  assert.deepEqual([revoked.equal, revoked.unequal.length], [1, 1])
  assert.match(revoked.unequal[0]?.why ?? '', /entry 1 gives it, whose keys or settings were not/)
  const required = await recorderOf(SHIPPED, { ...newer, aibomRequired: true })
  const without = recorder.decided(ALLOWED, new Date(LATER.getTime() + 1))
  assert.equal(replayed([recorder.activated(), required.activated(), without]).equal, 0)
  // The same keys once more: what became active last counts.
  const again = (await recorderOf(SHIPPED, { ...newer, aibomKeys: [publicKeyPem] })).activated()
  assert.equal(replayed([recorder.activated(), other.activated(), again, late]).equal, 1)
})

test('a replica may decide by what another records, before it is on record', async () => {
  const commented = changedPolicies(cwd, 'commented', [
    ['model-policy.yml', 'policy:', '# New.\npolicy:'],
  ])
  const newer = await recorderOf(commented, { activeSince: LATER, aibomRequired: true })
  const early = newer.decided(ALLOWED, new Date(LATER.getTime() - 5_000))
  const old = recorder.decided(PAYLOAD, new Date(LATER.getTime() + 5_000))
  const contents = [recorder.activated(), early, old, newer.activated()]
  assert.deepEqual(replayed(contents).unequal, [])
  // A decision from long before those rules were in force is none of theirs.
  const first = newer.decided(ALLOWED, NOW)
  assert.equal(replayed([recorder.activated(), first, newer.activated()]).equal, 0)
})

test('an answer that cannot be read is named, not passed over', () => {
  for (const name of ['policy', 'aibom', 'reasons', 'evaluated_at']) {
    const broken = altered(decided(), (details) => delete answerOf(details)[name])
    const { equal, unequal } = replayed([recorder.activated(), decided(), broken])
    assert.deepEqual([equal, unequal[0]?.entry], [1, 3])
    assert.match(unequal[0]?.why ?? '', new RegExp(`no ${name} as`))
  }
  const bare = altered(decided(), (details) => delete details.payload)
  assert.match(replayed([bare]).unequal[0]?.why ?? '', /without its payload/)
})

const lines = logOf([recorder.activated(), decided(), recorder.decided(ALLOWED, NOW)])
const [one, two, three, end] = lines as [string, string, string, string]
const foreign = logOf([{ details: {} }, recorder.decided(ALLOWED, NOW)])[1] as string

for (const [what, text, code] of [
  ['entries that changed places', [two, one, three, end], POLICY_EXIT.failed],
  ['an entry of another log', [one, foreign, three, end], POLICY_EXIT.failed],
  ['an entry twice', [one, two, two, three, end], POLICY_EXIT.failed],
  ['an entry left out', [one, three, end], POLICY_EXIT.failed],
  ['an entry behind the trailer', [...lines, three], POLICY_EXIT.failed],
  ['a payload that was altered', [one, two.replace('vision', 'visioN'), three, end], 4],
  ['a member twice', [one, two.replace('{"id":2', '{"decision":true,"id":2'), three, end], 4],
  ['an id that is another number', [one, two.replace('"id":2', '"id":2e0'), three, end], 4],
  ['a byte order mark', [`\ufeff${one}`, two, three, end], POLICY_EXIT.failed],
  ['nothing but a payload', [JSON.stringify(ALLOWED)], POLICY_EXIT.usage],
  ['no end', [one, two, three], POLICY_EXIT.usage],
  ['JSON', ['[', one, ']'], POLICY_EXIT.usage],
  [
    'lines that end in CR and LF, and blank ones',
    [one, '', ...lines.slice(1)].map((it) => `${it}\r`),
    0,
  ],
] as const) {
  test(`replay of an export with ${what} is exit code ${code}`, async () => {
    writeFileSync(join(cwd, 'export.ndjson'), `${text.join('\n')}\n`)
    const ended = await aigov(['policy', 'replay', 'export.ndjson'], { cwd })
    assert.equal(ended.code, code, ended.err)
    if (code === 0) assert.match(ended.out, /^EQUAL {2}2 of 2/)
    else assert.deepEqual([ended.out, /line \d+: /.test(ended.err)], ['', true])
  })
}
