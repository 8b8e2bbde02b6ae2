import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allHold, tableOf } from '../faults/findings.ts'
import { replicaScenario } from '../faults/scenarios.ts'
import { scratchFolder } from '../test-support/scratch.ts'

// A short run of `npm run faults -- replicas`.
test('two replicas under 64 clients that repeat themselves, one of them killed: no fork, no gap, nothing twice', async (t) => {
  const setting = { folder: scratchFolder(t), say: () => {} }
  const counts = { clients: 64, appends: 1_000, retries: 0.3, kills: 1 }
  const findings = await replicaScenario(setting, counts)
  assert.ok(allHold(findings), tableOf(findings).join('\n'))
})
