import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BROKEN_BUILDS } from '../faults/broken/builds.ts'
import { hunt } from '../faults/broken/hunt.ts'
import { Random } from '../faults/random.ts'
import { scratchFolder } from '../test-support/scratch.ts'

// One for each thing that may be broken: `npm run faults -- broken` has more.
for (const name of [
  'no-lock',
  'keys-forgotten',
  'answer-before-commit',
  'decision-without-record',
  'signer-without-state',
]) {
  test(`a build that is broken on purpose is found: ${name}`, async (t) => {
    const build = BROKEN_BUILDS.find((one) => one.name === name)
    assert.ok(build)
    const setting = {
      folder: scratchFolder(t),
      random: new Random(name),
      isTimed: false,
      say: () => {},
    }
    const { holds, figure } = await hunt(setting, build)
    assert.equal(holds, true, figure)
  })
}
