import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Policies } from '../src/answers.ts'
import { type Folders, policyFiles, policyFolders, testsOf, until } from './policy-folders.ts'
import { startService } from './service.ts'

const RED = { color: 'red', risk: { size: 1 } }

async function watching(t: TestContext, files: Record<string, string>) {
  const folders = policyFolders(files)
  t.after(() => folders.remove())
  const service = await startService({ POLICIES_DIR: folders.current }, { lookEvery: 5 })
  t.after(() => service.stop())
  const policies = async (): Promise<Policies> =>
    (await service.app.inject({ url: '/policies' })).json()
  const allows = async (payload: object) => (await service.validate(payload)).json().allowed
  return { ...service, folders, policies, allows }
}

test('a changed set decides without a restart', async (t) => {
  const { folders, policies, allows } = await watching(t, policyFiles('red'))
  const before = await policies()
  assert.equal(await allows(RED), true)
  folders.swap(policyFiles('blue'))
  const after = await until(policies, ({ digest }) => digest !== before.digest)
  assert.equal(await allows(RED), false)
  assert.equal(await allows({ ...RED, color: 'blue' }), true)
  assert.ok(after.loaded_at >= before.loaded_at)
  assert.equal(after.stale, null)
})

test('a file that is written in place is taken too, and a comment moves the lines of explanations', async (t) => {
  const { folders, policies, validate } = await watching(t, policyFiles('red'))
  const { digest, loaded_at } = await policies()
  folders.write('colors.yml', `# The board met.\n${policyFiles('red')['colors.yml']}`)
  const changed = await until(policies, (now) => now.loaded_at !== loaded_at)
  assert.equal(changed.digest, digest)
  const [rule] = (await validate(RED)).json().explanation
  assert.equal(rule.at, 'colors.yml:7')
})

const BROKEN: [what: string, files: Record<string, string>, error: RegExp][] = [
  [
    'a policy with a slip of the pen',
    { ...policyFiles('red'), 'colors.yml': 'policy: colors\nversion: 1.0.0\nrulez: []\n' },
    /^colors\.yml:3:1 unknown_key .*did you mean "rules"/,
  ],
  [
    'a set whose tests fail',
    { ...policyFiles('blue'), ...testsOf('red') },
    /^colors\.tests\.yml:6:1 test_failed the agreed color: allowed should be true and is false$/,
  ],
  [
    'a set whose tests cover too little',
    {
      ...policyFiles('red'),
      'colors.tests.yml': `coverage: 1.0\n${testsOf('red')['colors.tests.yml']}`,
    },
    /^colors\.tests\.yml:1:1 coverage_not_met coverage is 50 % of 100 %: no case shows color \(\S+:\d+\) broken$/,
  ],
  [
    'tests that cannot be read',
    { ...policyFiles('red'), 'colors.tests.yml': 'tests: colours.yml\n' },
    /^colors\.tests\.yml:1:8 unknown_value .*did you mean "colors\.yml"/,
  ],
  ['a folder without policies', {}, /no_policy/],
]

for (const [what, files, expected] of BROKEN) {
  test(`${what} leaves the last good set, and is shown as stale until it is mended`, async (t) => {
    const { app, folders, policies, allows } = await watching(t, policyFiles('red'))
    const before = await policies()
    const fitting = (now: Policies) =>
      now.stale?.errors.some((error) => expected.test(error)) ?? false
    folders.swap(files)
    const bad = await until(policies, ({ stale }) => stale !== null)
    assert.ok(fitting(bad), JSON.stringify(bad.stale))
    assert.deepEqual({ ...bad, stale: null }, before)
    assert.equal(await allows(RED), true)
    const ready = await app.inject({ url: '/readyz' })
    assert.equal(ready.statusCode, 200)
    assert.deepEqual(ready.json(), { ok: true, stale: bad.stale })
    assert.deepEqual((await app.inject({ url: '/healthz' })).json(), { ok: true })

    folders.swap(policyFiles('blue'))
    const good = await until(policies, ({ stale }) => stale === null)
    assert.notEqual(good.digest, before.digest)
    assert.deepEqual((await app.inject({ url: '/readyz' })).json(), { ok: true })
  })
}

test('a set whose tests fail does not start the service either', async () => {
  const folders = policyFolders({ ...policyFiles('blue'), ...testsOf('red') })
  await assert.rejects(
    startService({ POLICIES_DIR: folders.current }),
    /colors\.tests\.yml:6:1 test_failed/,
  )
  folders.remove()
})

test('stale counts from the first set that was not taken, and ends where the active one is back', async (t) => {
  const { folders, policies } = await watching(t, policyFiles('red'))
  const before = await policies()
  folders.swap({})
  const first = await until(policies, ({ stale }) => stale !== null)
  folders.swap({ ...policyFiles('red'), 'colors.yaml': '' })
  const second = await until(policies, ({ stale }) => stale?.errors[0] !== first.stale?.errors[0])
  assert.equal(second.stale?.since, first.stale?.since)
  assert.match(second.stale?.errors[0] ?? '', /^colors\.yaml:1:1 unknown_file_kind/)
  folders.swap(policyFiles('red'))
  assert.deepEqual(await until(policies, ({ stale }) => stale === null), before)
})

test('a folder that goes away leaves the last good set', async (t) => {
  const { folders, policies, allows } = await watching(t, policyFiles('red'))
  rmSync(folders.current)
  const { stale } = await until(policies, (now) => now.stale !== null)
  assert.match(stale?.errors.join() ?? '', /unreadable_folder .*ENOENT/)
  assert.equal(await allows(RED), true)
  folders.swap(policyFiles('red'))
  await until(policies, (now) => now.stale === null)
})

test('a policy whose link leads nowhere is not left out', async (t) => {
  const { folders, policies } = await watching(t, policyFiles('red'))
  symlinkSync('nowhere', join(folders.current, 'more.yml'))
  const { stale } = await until(policies, (now) => now.stale !== null)
  assert.match(stale?.errors.join() ?? '', /unreadable_folder .*ENOENT/)
})

test('what is no file or far too large is refused and not read', async (t) => {
  const { folders, policies } = await watching(t, policyFiles('red'))
  execFileSync('mkfifo', [join(folders.current, 'pipe.yml')])
  const pipe = await until(policies, (now) => now.stale !== null)
  assert.match(pipe.stale?.errors.join() ?? '', /unreadable_folder .*pipe\.yml, which is no file/)
  rmSync(join(folders.current, 'pipe.yml'))
  writeFileSync(join(folders.current, 'huge.yml'), '#'.repeat(1_048_577))
  const last = pipe.stale?.errors[0]
  const huge = await until(policies, (now) => now.stale !== null && now.stale.errors[0] !== last)
  assert.match(huge.stale?.errors.join() ?? '', /huge\.yml, which is larger than 1048576 bytes/)
})

test('under 64 clients and 100 swaps every answer is one set’s as a whole', async (t) => {
  const { validate, folders, policies } = await watching(t, policyFiles('red', 1))
  const red = (await policies()).digest
  const seen = new Map<string, Set<string>>()
  let answers = 0
  let swapping = true
  const client = async () => {
    while (swapping) {
      const answer = await validate(RED)
      const { allowed, risk_score, policy, reasons, within_sla } = answer.json()
      const verdict = JSON.stringify({ allowed, risk_score, reasons, within_sla })
      seen.set(policy.digest, (seen.get(policy.digest) ?? new Set()).add(verdict))
      answers += 1
      // Without a rest the clients would leave the watch, in the same process, a look in half a second.
      await sleep(50)
    }
  }
  const clients = Promise.all(Array.from({ length: 64 }, client))
  await Promise.race([swapTimes(100, folders, policies), clients])
  swapping = false
  await clients
  const blue = [...seen.keys()].find((digest) => digest !== red) ?? ''
  const verdict = (allowed: boolean, risk_score: number, reasons: string[]) =>
    new Set([JSON.stringify({ allowed, risk_score, reasons, within_sla: true })])
  assert.deepEqual(
    new Map([...seen].sort()),
    new Map(
      [
        [red, verdict(true, 1, [])] as const,
        [blue, verdict(false, 2, ['The color is not the agreed one.'])] as const,
      ].sort(),
    ),
  )
  t.diagnostic(`${answers} answers`)
})

async function swapTimes(times: number, folders: Folders, policies: () => Promise<Policies>) {
  for (let i = 1; i <= times; i++) {
    const { digest } = await policies()
    folders.swap(i % 2 === 1 ? policyFiles('blue', 2) : policyFiles('red', 1))
    await until(policies, (now) => now.digest !== digest)
  }
}
