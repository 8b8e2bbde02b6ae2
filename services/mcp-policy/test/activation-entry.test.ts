import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detailsHash, entryHash, eventHash } from '@ai-governance/common/formats/audit-entry'
import { canonicalJson, type JsonObject } from '@ai-governance/common/formats/canonical-json'
import { filesFault, readActivationEntry } from '../src/activation-entry.ts'
import { activationDetails } from '../src/activation-record.ts'
import { preparePolicies } from '../src/prepare-policies.ts'
import { policyFiles } from './policy-folders.ts'

const files = Object.entries(policyFiles('red')).map(([name, content]) => ({ name, content }))
const prepared = preparePolicies(files)
assert.ok(prepared.ok)
const { set } = prepared
const settings = { keys: [], aibomRequired: false, slaMs: 1_500 }
const details = activationDetails({ set, files, warnings: [], loadedAt: new Date(0) }, settings)

/** An entry of this content with the hashes that belong to it. */
function entryOf(changes: JsonObject = {}, of: JsonObject = { ...details }): JsonObject {
  const event = {
    event_type: 'policy.activated',
    subject: details.digest,
    decision: true,
    actor: 'service:mcp-policy',
    request_id: 'r-1',
    ...changes,
  }
  const details_salt = '0f'.repeat(16)
  const details_hash = detailsHash(details_salt, canonicalJson(of))
  const prev_hash = '00'.repeat(32)
  const entry_hash = entryHash(prev_hash, 1, 5, eventHash({ ...event, details_hash }))
  const created_at = '1970-01-01T00:00:00.000005Z'
  return {
    id: 1,
    ...event,
    details: of,
    details_salt,
    details_hash,
    created_at,
    prev_hash,
    entry_hash,
  }
}

test('an entry is read with its details', () => {
  const entry = entryOf()
  const { id, entry_hash, created_at } = entry
  assert.deepEqual(readActivationEntry(entry), { id, entry_hash, created_at, details })
})

test('what is not of this service and type is no such entry, be all its hashes right', () => {
  for (const changes of [
    { event_type: 'policy.activated2' },
    { event_type: 'model.deployed' },
    { actor: 'anonymous' },
    { actor: null },
    { decision: false },
  ]) {
    assert.match(String(readActivationEntry(entryOf(changes))), /^it is no policy\.activated entry/)
  }
  for (const value of [null, [], 'entry', 1, {}]) {
    assert.match(String(readActivationEntry(value)), /^it is no policy\.activated entry/)
  }
})

test('every single member that is left out or changed is told', () => {
  const changed: JsonObject = {
    ...{ id: 2, event_type: 'policy.x', subject: 'other', decision: false, actor: 'service:x' },
    ...{ details: { ...details, aibom_required: true }, details_salt: 'ff'.repeat(16) },
    ...{
      details_hash: 'ff'.repeat(32),
      request_id: null,
      created_at: '1970-01-01T00:00:00.000006Z',
    },
    ...{ prev_hash: 'ff'.repeat(32), entry_hash: 'ff'.repeat(32) },
  }
  const entry = entryOf()
  assert.deepEqual(Object.keys(changed).sort(), Object.keys(entry).sort())
  for (const [name, value] of Object.entries(changed)) {
    assert.equal(typeof readActivationEntry({ ...entry, [name]: value }), 'string', name)
    const { [name]: _, ...rest } = entry
    assert.equal(typeof readActivationEntry(rest), 'string', name)
  }
})

test('details of an unknown form, or about another digest than the entry, are none', () => {
  const { gate_sla_ms, ...fewer } = details
  for (const entry of [entryOf({}, fewer), entryOf({ subject: 'sha256:other' })]) {
    const read = readActivationEntry(entry)
    assert.ok(typeof read === 'object')
    assert.equal(read.details, null)
  }
})

test('the texts of a set have its digest, or why not is said', () => {
  assert.equal(filesFault(details), null)
  const [policy, ...others] = details.files
  assert.ok(policy)
  const changed = { ...policy, content: policy.content.replace('value: red', 'value: blue') }
  assert.match(
    String(filesFault({ ...details, files: [changed, ...others] })),
    /^the files have the/,
  )
  assert.match(String(filesFault({ ...details, files: [changed] })), /no valid policies/)
  assert.match(String(filesFault({ ...details, semantics: 2 })), /semantics are 2/)
})
