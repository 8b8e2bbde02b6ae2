import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allHold, tableOf } from '../faults/findings.ts'
import { Random } from '../faults/random.ts'
import { erasureScenario } from '../faults/scenarios.ts'
import { scratchFolder } from '../test-support/scratch.ts'

test('erased text is gone from tables, exports and logs, and both verifiers stay green', async (t) => {
  const findings = await erasureScenario({
    folder: scratchFolder(t),
    random: new Random('erasure'),
    isTimed: false,
    say: () => {},
  })
  assert.ok(allHold(findings), tableOf(findings).join('\n'))
})
