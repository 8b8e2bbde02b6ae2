import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { makeFolders, makeIdentityKeys } from '../local/data-folder.ts'
import { explainFileFault, readText } from '../local/file-fault.ts'
import { takeLock } from '../local/lock.ts'
import { ensureSecrets, readSecret } from '../local/secrets.ts'
import { scratchFolder } from '../test-support/scratch.ts'

/** The path that the sentence begins with, relative to the root. */
function blamed(root: string, action: () => unknown): string | undefined {
  try {
    action()
  } catch (error) {
    const path = explainFileFault(error, root)?.message.split(' ')[0]
    return path?.slice(root.length + 1)
  }
  return undefined
}

function rootWith(t: TestContext, path: string, kind: 'file' | 'folder'): string {
  const root = scratchFolder(t)
  mkdirSync(dirname(join(root, path)), { recursive: true })
  if (kind === 'file') writeFileSync(join(root, path), '')
  else mkdirSync(join(root, path))
  return root
}

test('a file in the place of a folder is blamed, not the folder around it', (t) => {
  for (const path of ['.data', '.data/logs', '.data/run']) {
    const root = rootWith(t, path, 'file')
    assert.equal(
      blamed(root, () => makeFolders(join(root, '.data'))),
      path,
    )
  }
  const root = rootWith(t, '.data/secrets', 'file')
  assert.equal(
    blamed(root, () => ensureSecrets(join(root, '.data', 'secrets'), undefined, false)),
    '.data/secrets',
  )
})

test('a folder in the place of a file is blamed', (t) => {
  const actions = {
    '.env': readText,
    '.data/lock': (path: string) => takeLock(path, 'start.ts'),
    '.data/secrets/owner': readSecret,
    '.data/run/mcp-audit.pid': (path: string) => writeFileSync(path, ''),
  }
  for (const [path, action] of Object.entries(actions)) {
    const root = rootWith(t, path, 'folder')
    assert.equal(
      blamed(root, () => action(join(root, path))),
      path,
    )
  }
})

test('what is closed to this user is blamed, not what would be below it', (t) => {
  const root = rootWith(t, '.data', 'folder')
  writeFileSync(join(root, '.env'), '')
  chmodSync(join(root, '.env'), 0)
  chmodSync(join(root, '.data'), 0o500)
  chmodSync(root, 0o755)
  const script = `
    import { setuid } from 'node:process'
    import { takeLock } from '${pathToFileURL(join(import.meta.dirname, '../local/lock.ts'))}'
    import { explainFileFault, readText } from '${pathToFileURL(join(import.meta.dirname, '../local/file-fault.ts'))}'
    const [root] = process.argv.slice(1)
    // No folder is closed to root.
    if (process.getuid() === 0) setuid(54321)
    for (const action of [() => takeLock(root + '/.data/lock', 'x'), () => readText(root + '/.env')]) {
      try { action() } catch (error) { console.log(explainFileFault(error, root).message.split(' ')[0]) }
    }
  `
  const flags = ['--input-type=module', '-e', script, root]
  const out = execFileSync(process.execPath, flags, { encoding: 'utf8' })
  assert.deepEqual(out.trim().split('\n'), [join(root, '.data'), join(root, '.env')])
})

test('of the files of identity keys, the one that is closed to this user is blamed', (t) => {
  const root = rootWith(t, '.data/secrets', 'folder')
  for (const folder of ['.data/secrets', '.data', '.']) chmodSync(join(root, folder), 0o777)
  const { secretFile, policyToAudit } = makeIdentityKeys(join(root, '.data', 'secrets'))
  const module = (name: string) => pathToFileURL(join(import.meta.dirname, '../local', name))
  const script = `
    import { makeIdentityKeys } from '${module('data-folder.ts')}'
    import { explainFileFault } from '${module('file-fault.ts')}'
    const [root] = process.argv.slice(1)
    if (process.getuid() === 0) process.setuid(54321)
    try { makeIdentityKeys(root + '/.data/secrets') } catch (error) { console.log(explainFileFault(error, root).message) }
  `
  for (const [closed, others] of [
    [secretFile, policyToAudit],
    [policyToAudit, secretFile],
  ] as const) {
    for (const name of readdirSync(join(root, '.data', 'secrets'))) {
      chmodSync(join(root, '.data', 'secrets', name), 0o644)
    }
    chmodSync(closed, 0o000)
    const flags = ['--input-type=module', '-e', script, root]
    const said = execFileSync(process.execPath, flags, { encoding: 'utf8' })
    assert.ok(said.startsWith(`${closed} is closed to this user (EACCES)`), said)
    assert.ok(said.includes('chown -R') && !said.includes(others))
  }
})

test('an error elsewhere, or of another kind, is left as it is', (t) => {
  const root = scratchFolder(t)
  assert.equal(
    blamed(root, () => readText(join(root, 'package.json'))),
    undefined,
  )
  assert.equal(explainFileFault(new TypeError('ours'), root), undefined)
})
