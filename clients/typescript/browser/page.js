// Runs in the page that check.ts opens, and reports to it what went well. Needs nothing of the page itself.
import {
  createClient,
  GovernanceError,
  generateAibomKeyPair,
  readAibomPublicKeys,
  signAibom,
  verifyAibom,
  verifyExport,
  verifyInclusionProof,
} from '../dist/index.js'

const origin = new URL(import.meta.url).origin
const client = createClient({ baseUrl: origin })
const name = `browser-${Date.now()}`
const payload = {
  model_class: 'vision',
  use_case: 'general',
  risk: { data_sensitivity: 1, model_complexity: 1, deployment_impact: 1, monitoring_maturity: 3 },
}

/** @param {boolean} condition @param {string} what */
function check(condition, what) {
  if (!condition) throw new Error(what)
}

/** @param {Promise<unknown>} call */
async function failure(call) {
  const error = await call.then(
    () => new Error('the call did not fail'),
    (reason) => reason,
  )
  if (error instanceof GovernanceError) return error
  throw error
}

/** Each is reported under its name; check.ts knows which there must be. */
const steps = {
  async health() {
    check((await client.gateway.health()).ok, 'the gateway is not healthy')
    const { services } = await client.gateway.directory()
    check(services.includes('mcp-audit'), 'mcp-audit is not in the directory')
  },
  async register() {
    const model = { model_id: name, version: '1', created_by: 'check', artifacts: ['sha256:ab'] }
    const { lineage, audit } = await client.gateway.registerModel(model)
    check(lineage.revision === 1 && audit.id >= 1, 'not registered')
    let count = 0
    for await (const record of client.lineage.revisions(name)) {
      count++
      check(record.record_hash === lineage.record_hash, 'another record')
    }
    check(count === 1, 'the record is not there')
  },
  async validate() {
    check((await client.policy.validate(payload)).allowed, 'the example is denied')
    const denied = await client.policy.validate({})
    check(!denied.allowed && denied.reasons.length > 0, 'an empty payload is allowed')
  },
  async log() {
    const event = { event_type: 'browser.checked', subject: name, decision: true }
    const entry = await client.audit.log(event, { requestId: name })
    check(entry.request_id === name, 'another request id')
    check((await client.audit.event(entry.id)).entry_hash === entry.entry_hash, 'another entry')
  },
  async errors() {
    const missing = await failure(client.audit.event(Number.MAX_SAFE_INTEGER))
    check(missing.code === 'not_found' && missing.status === 404, missing.message)
    const wrong = await failure(client.audit.eventsPage({ limit: 5_000 }))
    check(wrong.code === 'invalid_request' && wrong.errors[0]?.path === 'limit', wrong.message)
  },
  async redirect() {
    const moved = createClient({ baseUrl: `${origin}/moved` })
    const error = await failure(moved.gateway.directory())
    check(error.code === 'invalid_answer' && error.status === undefined, error.message)
    check(error.detail.startsWith('the answer is a redirect'), error.detail)
  },
  async abort() {
    const slow = createClient({ baseUrl: `${origin}/slow` })
    const abort = new AbortController()
    const call = failure(slow.gateway.directory({ signal: abort.signal }))
    abort.abort(new Error('enough'))
    check((await call).code === 'aborted', 'not aborted')
    const late = await failure(slow.gateway.directory({ timeoutMs: 100 }))
    check(late.code === 'deadline', late.message)
  },
  async aibom() {
    const pair = generateAibomKeyPair()
    const keys = readAibomPublicKeys(pair.publicKeyPem)
    const signed = signAibom({ model_id: name, version: '1' }, pair)
    check(verifyAibom(signed, keys).status === 'verified', 'detached-jcs is not verified')
    const changed = { ...signed, data: { model_id: name, version: '2' } }
    check(verifyAibom(changed, keys).status === 'invalid', 'a changed bill is not invalid')
    const bom = { bomFormat: 'CycloneDX', specVersion: '1.6' }
    const enveloped = signAibom(bom, pair, { format: 'cyclonedx-jsf' })
    check(verifyAibom(enveloped, keys).status === 'verified', 'cyclonedx-jsf is not verified')
  },
  async proof() {
    const key = await client.audit.checkpointKey()
    const pinned = createClient({ baseUrl: origin, auditKey: key })
    const event = { event_type: 'browser.proven', subject: name, decision: true }
    const { proof, entry_hash } = await pinned.audit.log(event, { proof: true })
    check(proof !== null && verifyInclusionProof(proof, entry_hash, key), 'not proven')
  },
  async export() {
    const key = await client.audit.checkpointKey()
    const verdict = await verifyExport(client.audit.exportBytes('ndjson'), { key })
    check(verdict.result === 'verified' && verdict.entries > 0, verdict.reason ?? verdict.result)
  },
}

const results = []
for (const [step, run] of Object.entries(steps)) {
  const error = await run().then(
    () => null,
    (reason) => String(reason),
  )
  results.push({ name: step, error })
}
await fetch('/result', { method: 'POST', body: JSON.stringify(results) })
