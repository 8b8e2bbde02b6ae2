import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Skipped } from '../report/figures.ts'
import { readsProc } from '../subjects/ground.ts'

test('where there is no /proc, what would be read there is skipped by name, not taken for nothing', () => {
  const skipped: Skipped[] = []
  assert.ok(readsProc({ skipped }, 'memory', 'linux'))
  assert.deepEqual(skipped, [])
  assert.ok(!readsProc({ skipped }, 'memory', 'darwin'))
  assert.deepEqual(skipped, [{ name: 'memory', needs: '/proc, and so Linux' }])
})
