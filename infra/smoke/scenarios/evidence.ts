import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { appendEvents } from '../../test-support/appenders.ts'
import { aigov, buildClient } from '../client-build.ts'
import { runCommand } from '../command.ts'
import type { ComposeStack } from '../compose-stack.ts'
import { callGateway } from '../gateway.ts'
import type { Scenario } from '../scenario.ts'

const ENTRIES = 100_000
const BAD_ID = 54_321
const DETAILS = 'details do not match details_hash'

interface Verdict {
  ok: boolean
  entries: number
  first_bad_id: number | null
  reason: string | null
}

export const evidence: Scenario = {
  shows: `${ENTRIES} entries verify with aigov, with Python and in SQL, and all find the same flipped bit`,
  async run(stack, say) {
    await buildClient()
    say(`${ENTRIES} events`)
    const { failures } = await appendEvents(`${stack.url}/mcp-audit/log`, 64, (n) => n >= ENTRIES)
    assert.deepEqual(failures, [])
    const whole = await exportTo(stack, 'whole.ndjson')
    const { last_id: entries } = JSON.parse(
      readFileSync(whole, 'utf8').trimEnd().split('\n').at(-1) as string,
    )
    assert.ok(entries >= ENTRIES)
    say('every verifier on what was written')
    const good = { ok: true, entries, first_bad_id: null, reason: null }
    const seconds = await agree(stack, whole, good)
    say('every verifier on the export with one bit flipped')
    const bad = { ok: false, entries: BAD_ID - 1, first_bad_id: BAD_ID, reason: DETAILS }
    const flipped = flipBit(whole, BAD_ID)
    for (const verdict of await offline(flipped)) assert.deepEqual(verdict, bad)
    say('every verifier on the database with one bit flipped')
    await stack.psql(`SET session_replication_role = replica;
      UPDATE audit_log SET details_salt = set_bit(details_salt, 9, 1 - get_bit(details_salt, 9))
       WHERE id = ${BAD_ID}`)
    await agree(stack, await exportTo(stack, 'rewritten.ndjson'), bad)
    return { entries, seconds }
  },
}

async function exportTo(stack: ComposeStack, name: string): Promise<string> {
  const file = join(stack.folder, name)
  const { code } = await aigov('export', '--url', stack.url, '--out', file)
  assert.equal(code, 0)
  assert.ok(existsSync(file))
  return file
}

/** The verdicts of the verifiers that need nothing but the file. */
async function offline(file: string): Promise<Verdict[]> {
  const python = ['python3', join('clients', 'python', 'verify_export.py'), '--json', file]
  const [ours, theirs] = await Promise.all([
    aigov('verify', '--json', file),
    runCommand(python, { cwd: join(import.meta.dirname, '..', '..', '..'), allow: [4] }),
  ])
  return [ours, theirs].map(({ stdout }) => verdictOf(JSON.parse(stdout)))
}

/** Holds the verdicts of all four against the expected one; how long each took, in seconds. */
async function agree(
  stack: ComposeStack,
  file: string,
  expected: Verdict,
): Promise<Record<string, number>> {
  const seconds: Record<string, number> = {}
  const check = async (name: string, verdict: () => Promise<Verdict[]>) => {
    const from = performance.now()
    for (const found of await verdict()) assert.deepEqual(found, expected, name)
    seconds[name] = Math.round((performance.now() - from) / 100) / 10
  }
  await check('aigov and python', () => offline(file))
  await check('sql', async () => {
    const script = readFileSync(join(stack.folder, 'infra', 'verify-log.sql'), 'utf8')
    return [verdictOf(JSON.parse(await stack.psql(script)))]
  })
  await check('service', async () => {
    const { body } = await callGateway<Verdict>(stack.url, `/mcp-audit/verify?limit=500000`)
    return [verdictOf(body)]
  })
  return seconds
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
