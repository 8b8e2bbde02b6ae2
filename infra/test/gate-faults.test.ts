import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { allHold, tableOf } from '../faults/findings.ts'
import { gateDrill } from '../faults/gate/drill.ts'
import { startWorld } from '../faults/world.ts'

/** Nine starts of services, and one of PostgreSQL, on a machine that may be busy. */
const LONG = { timeout: 300_000 }

// A short run of what `npm run faults -- gate` does at length.
test(
  'whatever is killed, stopped or hangs, the gate allows nothing that is not on record',
  LONG,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'governance-gate-'))
    const world = await startWorld({ folder, hasGate: true })
    try {
      const options = {
        folder,
        clients: 16,
        calls: 600,
        strikes: 7,
        hang: 500,
        isTimed: false,
        say: () => {},
      }
      const findings = await gateDrill(world, options)
      assert.ok(allHold(findings), tableOf(findings).join('\n'))
    } finally {
      await world.stop()
      rmSync(folder, { recursive: true })
    }
  },
)
