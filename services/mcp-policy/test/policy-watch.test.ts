import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type FolderRead, readFolder } from '../src/policy-folder.ts'
import { PolicyWatch } from '../src/policy-watch.ts'
import { policyFiles, policyFolders, until } from './policy-folders.ts'

async function watch(t: TestContext, onChange: (read: FolderRead) => void) {
  const folders = policyFolders(policyFiles('red'))
  const first = await readFolder(folders.current)
  const faults: unknown[] = []
  const onFault = (error: unknown) => faults.push(error)
  const parts = { folder: folders.current, first, every: 1, onChange, onFault }
  const watching = new PolicyWatch(parts)
  t.after(async () => {
    await watching.stop()
    folders.remove()
  })
  return { folders, faults, watching }
}

test('a folder that changes from look to look is not told of until it rests', async (t) => {
  const told: FolderRead[] = []
  const { folders } = await watch(t, (read) => told.push(read))
  // In each turn of the event loop another text: no two looks can see the same one.
  for (let i = 0; i < 300; i++) {
    folders.swap({ ...policyFiles('red'), 'colors.yml': `revision ${i}` })
    await nextTurn()
  }
  assert.deepEqual(told, [])
  const blue = policyFiles('blue')
  folders.swap(blue)
  await until(
    async () => told,
    (all) => all.length > 0,
  )
  const files = Object.entries(blue).map(([name, content]) => ({ name, content }))
  assert.deepEqual(told, [{ ok: true, files }])
})

test('a change is told once, and a fault of who hears of it does not end the watch', async (t) => {
  const told: FolderRead[] = []
  const { folders, faults } = await watch(t, (read) => {
    told.push(read)
    if (told.length === 1) throw new Error('the first time')
  })
  for (const color of ['blue', 'green', 'red']) {
    const before = told.length
    folders.swap(policyFiles(color))
    await until(
      async () => told.length,
      (now) => now > before,
    )
  }
  for (let i = 0; i < 50; i++) await nextTurn()
  assert.equal(told.length, 3)
  assert.deepEqual(faults.map(String), ['Error: the first time'])
})

test('a watch that was stopped tells nothing more', async (t) => {
  const told: FolderRead[] = []
  const { folders, watching } = await watch(t, (read) => told.push(read))
  await watching.stop()
  folders.swap(policyFiles('blue'))
  for (let i = 0; i < 500; i++) await nextTurn()
  assert.deepEqual(told, [])
})
