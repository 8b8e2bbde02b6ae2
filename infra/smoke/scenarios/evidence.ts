import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { appendEvents } from '../../test-support/appenders.ts'
import { aigov, buildClient } from '../client-build.ts'
import { runCommand } from '../command.ts'
import type { ComposeStack } from '../compose-stack.ts'
import { shellBlocks } from '../documented-commands.ts'
import { callGateway } from '../gateway.ts'
import type { Scenario } from '../scenario.ts'

const ENTRIES = 100_000
const BAD_ID = 54_321
const CUT_OFF = 10
const PERSON = 'Jane Roe of 12 Example Street'

/** What all verifiers say in the same words. */
interface Verdict {
  ok: boolean
  entries: number
  first_bad_id: number | null
  reason: string | null
}

interface Finding {
  code: number
  verdict: Verdict
}

/** What an auditor has from before: the key of the log, and a checkpoint, as files. */
interface Kept {
  key: string
  checkpoint: string
}

export const evidence: Scenario = {
  shows: `${ENTRIES} entries verify by a key and a checkpoint that were kept, and what a superuser changes is named`,
  async run(stack, say) {
    await buildClient()
    const person = await append(stack, { person: PERSON })
    say(`${ENTRIES} events`)
    const { failures } = await appendEvents(`${stack.url}/mcp-audit/log`, 64, (n) => n >= ENTRIES)
    assert.deepEqual(failures, [])
    say('the commands of the README')
    const kept = await keep(stack)
    const entries = await lastId(stack)
    assert.ok(entries > ENTRIES)
    const bytes = Number(await stack.psql(`SELECT pg_total_relation_size('audit_log')`))
    say('every verifier on what was written, with the key and without')
    const whole = await exportTo(stack, 'whole.ndjson')
    const good = { ok: true, entries, first_bad_id: null, reason: null }
    const seconds = await agree(stack, whole, kept, good)
    await bothSay(whole, null, { code: 8, verdict: good })
    say('every verifier on the export with one bit flipped')
    const bad = { ok: false, entries: BAD_ID - 1, first_bad_id: BAD_ID }
    const inDetails = { ...bad, reason: 'details do not match details_hash' }
    await bothSay(flipBit(whole, BAD_ID), kept, { code: 4, verdict: inDetails })
    say('every verifier after an erasure')
    await erase(stack, person.id)
    const erased = await exportTo(stack, 'erased.ndjson')
    await agree(stack, erased, kept, { ...good, entries: entries + 1 })
    await isGone(stack, erased)
    say('every verifier after a superuser has turned one decision')
    await asSuperuser(stack, turnDecision)
    const inContent = { ...bad, reason: 'entry_hash does not match the content' }
    await agree(stack, await exportTo(stack, 'turned.ndjson'), kept, inContent)
    await asSuperuser(stack, turnDecision)
    say('and after a superuser has cut off the end')
    await cutOff(stack)
    return { entries, seconds, bytes_per_entry: Math.round(bytes / entries) }
  },
}

async function append(stack: ComposeStack, details: object): Promise<{ id: number }> {
  const event = { event_type: 'smoke.test', subject: 'evidence', decision: true, details }
  const { status, body } = await callGateway<{ id: number }>(stack.url, '/mcp-audit/log', event)
  assert.equal(status, 200, JSON.stringify(body))
  return body
}

async function lastId(stack: ComposeStack): Promise<number> {
  const { body } = await callGateway<{ id: number }[]>(stack.url, '/mcp-audit/events?limit=1')
  return body[0]?.id ?? 0
}

/** Takes the key and a checkpoint, and verifies an export by them, with the commands of the README. */
async function keep(stack: ComposeStack): Promise<Kept> {
  const readme = readFileSync(join(stack.folder, 'README.md'), 'utf8')
  const [commands = ''] = shellBlocks(readme, 'What an outsider can check')
  const { stdout } = await stack.shell(commands.replaceAll('http://127.0.0.1:8080', stack.url))
  assert.match(stdout, /signed by the pinned key/)
  return { key: join(stack.folder, 'log.vkey'), checkpoint: join(stack.folder, 'kept.notes') }
}

async function exportTo(stack: ComposeStack, name: string): Promise<string> {
  const file = join(stack.folder, name)
  const { code } = await aigov('export', '--url', stack.url, '--out', file)
  assert.equal(code, 0)
  return file
}

/** The exit code and the verdict of both verifiers that need nothing but files. */
async function offline(file: string, kept: Kept | null): Promise<Finding[]> {
  const given = kept ? ['--key', kept.key, '--checkpoint', kept.checkpoint] : []
  const root = join(import.meta.dirname, '..', '..', '..')
  const script = join(root, 'clients', 'python', 'verify_export.py')
  const [ours, theirs] = await Promise.all([
    aigov('verify', '--json', file, ...given),
    runCommand(['python3', script, '--json', file, ...given], { allow: [4, 8] }),
  ])
  return [ours, theirs].map(({ code, stdout }) => ({
    code,
    verdict: verdictOf(JSON.parse(stdout)),
  }))
}

/** Holds what both say against what is expected. */
async function bothSay(file: string, kept: Kept | null, expected: Finding): Promise<void> {
  for (const found of await offline(file, kept)) assert.deepEqual(found, expected)
}

/** Holds the verdicts of all four against the expected one; how long each took, in seconds. */
async function agree(
  stack: ComposeStack,
  file: string,
  kept: Kept,
  expected: Verdict,
): Promise<Record<string, number>> {
  const seconds: Record<string, number> = {}
  const check = async (name: string, work: () => Promise<void>) => {
    const from = performance.now()
    await work()
    seconds[name] = Math.round((performance.now() - from) / 100) / 10
  }
  await check('aigov and python', async () => {
    await bothSay(file, kept, { code: expected.ok ? 0 : 4, verdict: expected })
  })
  await check('sql', async () => {
    const script = readFileSync(join(stack.folder, 'infra', 'verify-log.sql'), 'utf8')
    assert.deepEqual(verdictOf(JSON.parse(await stack.psql(script))), expected, 'sql')
  })
  await check('service', async () => {
    assert.deepEqual(await serviceVerdict(stack), expected, 'service')
  })
  return seconds
}

async function serviceVerdict(stack: ComposeStack): Promise<Verdict> {
  return verdictOf((await callGateway<Verdict>(stack.url, '/mcp-audit/verify?limit=500000')).body)
}

const verdictOf = ({ ok, entries, first_bad_id, reason }: Verdict): Verdict => ({
  ok,
  entries,
  first_bad_id,
  reason,
})

/** A copy of the export in which one bit of an entry's salt is another. */
function flipBit(file: string, id: number): string {
  const lines = readFileSync(file, 'utf8').split('\n')
  const line = lines[id - 1] as string
  const at = line.indexOf('"details_salt":"') + '"details_salt":"'.length
  const digit = (Number.parseInt(line[at] as string, 16) ^ 1).toString(16)
  lines[id - 1] = line.slice(0, at) + digit + line.slice(at + 1)
  const flipped = file.replace('.ndjson', '-flipped.ndjson')
  writeFileSync(flipped, lines.join('\n'))
  return flipped
}

async function erase(stack: ComposeStack, id: number): Promise<void> {
  const grounds = { reason: 'asked for', legal_basis: 'GDPR Art. 17' }
  const path = `/mcp-audit/events/${id}/erase`
  const { status, body } = await callGateway<{ count: number }>(stack.url, path, grounds)
  assert.deepEqual([status, body.count], [200, 1], JSON.stringify(body))
}

/** The erased text is in no table, in no later export and in nothing that a container wrote. */
async function isGone(stack: ComposeStack, file: string): Promise<void> {
  const found = `SELECT count(*) FROM audit_log WHERE audit_log::text LIKE '%${PERSON}%'`
  assert.equal((await stack.psql(found)).trim(), '0')
  assert.ok(!readFileSync(file, 'utf8').includes(PERSON))
  assert.ok(!(await stack.logs()).includes(PERSON))
}

const turnDecision = `UPDATE audit_log SET decision = NOT decision WHERE id = ${BAD_ID}`

/** Runs SQL past the triggers, which a superuser can. */
async function asSuperuser(stack: ComposeStack, sql: string): Promise<void> {
  await stack.psql(`SET session_replication_role = replica; ${sql}`)
}

/** What is left is a log without a fault. Only what is outside the database tells that it is not the one that was signed. */
async function cutOff(stack: ComposeStack): Promise<void> {
  const last = await lastId(stack)
  await appendEvents(`${stack.url}/mcp-audit/log`, 1, (n) => n >= CUT_OFF)
  const kept = await keep(stack)
  await asSuperuser(stack, `DELETE FROM audit_log WHERE id > ${last}`)
  const { status, body } = await callGateway(stack.url, `/mcp-audit/proof/inclusion?id=${last}`)
  assert.deepEqual([status, body.code], [503, 'signer_refused'])
  assert.equal((await serviceVerdict(stack)).first_bad_id, last + 1)
  const cut = await exportTo(stack, 'cut.ndjson')
  const found = [await offline(cut, null), await offline(cut, kept)].flat()
  const codesAndIds = found.map(({ code, verdict }) => [code, verdict.first_bad_id])
  const missing = [4, last + 1]
  assert.deepEqual(codesAndIds, [[8, null], [8, null], missing, missing])
}
