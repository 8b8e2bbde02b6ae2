import assert from 'node:assert/strict'
import { verify } from 'node:crypto'
import { describe, test } from 'node:test'
import { Client } from 'pg'
import { asGateway, decided, SHA, service, verdict } from './gate-calls.ts'
import { EVENT, ORIGIN } from './service.ts'

interface Envelope {
  payloadType: string
  payload: string
  signatures: { keyid: string; sig: string }[]
}

const vsa = (id: number) => service.app.inject({ url: `/events/${id}/vsa` })
const record = async (event: object) => (await asGateway('/log', event)).json().id as number
const codeOf = (answer: { statusCode: number; json: () => { code: string } }) => [
  answer.statusCode,
  answer.json().code,
]

/** https://github.com/secure-systems-lab/dsse/blob/master/protocol.md, with nothing of ours. */
function isSigned({ payloadType, payload, signatures }: Envelope): boolean {
  const body = Buffer.from(payload, 'base64')
  const type = Buffer.from(payloadType)
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    ...[type, Buffer.from(` ${body.length} `), body],
  ])
  const sig = Buffer.from(signatures[0]?.sig ?? '', 'base64')
  return signatures.length === 1 && verify(null, signed, service.signer.publicKey, sig)
}

const statementOf = ({ payload }: Envelope) => JSON.parse(Buffer.from(payload, 'base64').toString())

describe('GET /events/{id}/vsa', () => {
  test('is a verification summary of what is on record, signed by the key of the log', async () => {
    const aibom = { status: 'verified', bound: true, canonical_sha256: 'd4'.repeat(32) }
    const event = decided({}, { ...verdict(), aibom })
    const id = await record(event)
    const entry = (await service.app.inject({ url: `/events/${id}` })).json()
    const answer = await vsa(id)
    assert.equal(answer.statusCode, 200)
    const envelope: Envelope = answer.json()
    assert.ok(isSigned(envelope))
    assert.equal(envelope.payloadType, 'application/vnd.in-toto+json')
    const key = (await service.app.inject({ url: '/checkpoint/key' })).body
    assert.ok(key.startsWith(`${envelope.signatures[0]?.keyid}+`))
    const { decision_id, input_digest, evaluated_at } = event.details.decision
    assert.deepEqual(statementOf(envelope), {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'fraud@1.2.3', digest: { sha256: SHA } }],
      predicateType: 'https://slsa.dev/verification_summary/v1',
      predicate: {
        verifier: { id: `urn:ai-governance:log:${encodeURIComponent(ORIGIN)}` },
        timeVerified: evaluated_at,
        resourceUri: 'urn:ai-governance:subject:fraud%401.2.3',
        policy: { uri: 'urn:ai-governance:policy:base%401', digest: { sha256: 'b2'.repeat(32) } },
        inputAttestations: [
          { uri: 'urn:ai-governance:aibom', digest: { sha256: 'd4'.repeat(32) } },
        ],
        verificationResult: 'PASSED',
        verifiedLevels: ['AI_GOVERNANCE_POLICY_PASSED'],
        'urn:ai-governance:entry': {
          ...{ id, entry_hash: entry.entry_hash, decision_id, input_digest },
        },
      },
    })
    assert.equal((await vsa(id)).body, answer.body)
  })

  test('names no bill that is signed and is of another model', async () => {
    const aibom = { status: 'verified', bound: false, canonical_sha256: 'd4'.repeat(32) }
    const id = await record(decided({}, { ...verdict(), aibom }))
    const { predicate } = statementOf((await vsa(id)).json())
    assert.deepEqual(predicate.inputAttestations, [])
  })

  test('of a denial says FAILED, and names each artifact once that is a digest', async () => {
    const artifacts = [
      ...[`sha256:${SHA}`, `sha256:${SHA}`, `sha3-256:${SHA}`, `sha512:${SHA}${SHA}`],
      ...[`sha256:${SHA.slice(2)}`, `sha256:${SHA.toUpperCase()}`, `md5:${SHA}`, 'weights.bin'],
    ]
    const id = await record(decided({ artifacts }, verdict(false)))
    const { subject, predicate } = statementOf((await vsa(id)).json())
    assert.deepEqual(
      subject.map(({ digest }: { digest: object }) => digest),
      [{ sha256: SHA }, { sha3_256: SHA }, { sha512: SHA + SHA }],
    )
    assert.equal(predicate.verificationResult, 'FAILED')
    assert.deepEqual(predicate.verifiedLevels, ['FAILED'])
    assert.deepEqual(predicate.inputAttestations, [])
  })

  test('names 1,000 artifacts at most, so that no decision makes one too large to build', async () => {
    const artifacts = Array.from(
      { length: 1_001 },
      (_, i) => `sha256:${String(i).padStart(64, '0')}`,
    )
    const most = await record(decided({ artifacts: artifacts.slice(1) }))
    assert.equal(statementOf((await vsa(most)).json()).subject.length, 1_000)
    assert.deepEqual(codeOf(await vsa(await record(decided({ artifacts })))), [409, 'no_subject'])
  })

  test('says why there is none', async () => {
    const other = (await service.log(EVENT)).json().id
    assert.deepEqual(codeOf(await vsa(other)), [404, 'not_found'])
    assert.deepEqual(codeOf(await vsa(999_999)), [404, 'not_found'])
    assert.deepEqual(codeOf(await vsa(0)), [400, 'invalid_request'])
    const unnamed = await record(decided({ artifacts: ['weights.bin'] }))
    assert.deepEqual(codeOf(await vsa(unnamed)), [409, 'no_subject'])
    const misshapen = await record({ ...EVENT, event_type: 'gate.decided' })
    assert.deepEqual(codeOf(await vsa(misshapen)), [404, 'not_found'])
    const erased = await record(decided())
    const forwarded = { svc: null, scopes: ['audit:erase'] }
    const grounds = { reason: 'r', legal_basis: 'l' }
    await asGateway(`/events/${erased}/erase`, grounds, {}, forwarded)
    assert.deepEqual(codeOf(await vsa(erased)), [409, 'details_erased'])
  })

  test('takes no bytes to sign', async () => {
    const id = await record(decided())
    const posted = await asGateway(`/events/${id}/vsa`, { payload: 'aGk=' })
    assert.equal(posted.statusCode, 404)
  })
})

test('the attack: a superuser turns a recorded denial into an allow; no summary is signed of it', async () => {
  const id = await record(decided({}, verdict(false)))
  assert.equal((await vsa(id)).statusCode, 200)
  const owner = new Client({ connectionString: service.database.ownerUrl })
  await owner.connect()
  const change = (sql: string) =>
    owner.query(`SET session_replication_role = replica; ${sql}; RESET session_replication_role`)
  await change(`UPDATE audit_log SET decision = true WHERE id = ${id}`)
  assert.deepEqual(codeOf(await vsa(id)), [503, 'signer_refused'])
  await change(
    `UPDATE audit_log SET decision = false, details = replace(details, '${SHA}', '${'ee'.repeat(32)}') WHERE id = ${id}`,
  )
  assert.deepEqual(codeOf(await vsa(id)), [503, 'signer_refused'])
  await owner.end()
})
