import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allHold, tableOf } from '../faults/findings.ts'
import { Random } from '../faults/random.ts'
import { standbyScenario } from '../faults/standby/scenario.ts'
import { scratchFolder } from '../test-support/scratch.ts'

// A short run of `npm run faults -- standby`.
test('a synchronous standby that is promoted loses nothing; a fork, and a standby that was behind, are found out', async (t) => {
  const setting = {
    folder: scratchFolder(t),
    say: () => {},
    random: new Random('standby'),
    isTimed: false,
  }
  const counts = { clients: 64, promotions: 1, acknowledged: 100, betweenMs: 0 }
  const findings = await standbyScenario(setting, counts)
  assert.ok(allHold(findings), tableOf(findings).join('\n'))
})
