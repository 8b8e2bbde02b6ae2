import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { allHold, tableOf } from '../faults/findings.ts'
import { type DatabaseServer, startServer } from '../faults/server.ts'
import { runTamper } from '../faults/tamper/tamper.ts'
import { makeVictim, type Victim } from '../faults/tamper/victim.ts'

let server: DatabaseServer
let victim: Victim
let folder: string
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'governance-tamper-'))
  server = await startServer(folder)
  victim = await makeVictim(server, folder, 700)
})
after(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

for (const [table, what] of [
  [
    'log',
    'every way to break the log is named by both offline verifiers, the service and the database',
  ],
  ['tree', 'every way to break the stored tree is named, and nothing is signed over it'],
  ['lineage', 'every way to break the lineage is named by mcp-lineage'],
  ['signer', 'who has the signing key too is found out by a checkpoint that was kept'],
] as const) {
  test(what, async () => {
    const findings = await runTamper(victim, {
      everywhere: false,
      only: `${table}: `,
      say: () => {},
    })
    assert.ok(allHold(findings), tableOf(findings).join('\n'))
  })
}
