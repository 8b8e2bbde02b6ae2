import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allHold, tableOf } from '../faults/findings.ts'
import { Random } from '../faults/random.ts'
import { replicaScenario } from '../faults/scenarios.ts'
import { scratchFolder } from '../test-support/scratch.ts'

// A short run of `npm run faults -- replicas`.
test('two mcp-audit and two gateways under 64 clients that repeat themselves, one of each killed: no fork, no gap, nothing twice', async (t) => {
  const setting = {
    folder: scratchFolder(t),
    random: new Random('replicas'),
    isTimed: false,
    say: () => {},
  }
  const counts = { clients: 64, appends: 1_000, retries: 0.3, kills: 2 }
  const findings = await replicaScenario(setting, counts)
  assert.ok(allHold(findings), tableOf(findings).join('\n'))
})
