import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { aigov, aigovWithoutSpace } from './aigov.ts'
import { scratch } from './scratch.ts'

const DAY_MS = 86_400_000
const TOKEN = /^mcp_([a-z0-9]{8})_[A-Za-z0-9_-]{43}\n$/

interface Key {
  id: string
  name: string
  scopes: string[]
  sha256: string
  created_at: string
  expires_at: string | null
  revoked_at: string | null
}

const keysIn = (file: string) => (JSON.parse(readFileSync(file, 'utf8')) as { keys: Key[] }).keys

function place(t: TestContext) {
  const folder = scratch(t)
  const file = join(folder, 'keys.json')
  const keys = (verb: string, ...args: string[]) => aigov(['keys', verb, ...args, '--file', file])
  const create = (name: string, ...args: string[]) =>
    keys('create', '--name', name, '--scope', 'policy:evaluate', ...args)
  return { folder, file, keys, create }
}

test('create prints the token alone, and the file holds its hash for its owner alone', async (t) => {
  const { folder, file, create } = place(t)
  const { code, out, err } = await create('ci', '--scope', 'audit:read')
  assert.equal(code, 0, err)
  const id = TOKEN.exec(out)?.[1]
  assert.ok(id, out)
  assert.match(err, /in 90 days/)
  assert.doesNotMatch(err, /mcp_/)
  const [key, ...others] = keysIn(file) as [Key]
  assert.deepEqual(others, [])
  assert.deepEqual(
    [key.id, key.name, key.scopes, key.revoked_at],
    [id, 'ci', ['audit:read', 'policy:evaluate'], null],
  )
  assert.equal(key.sha256, createHash('sha256').update(out.trim()).digest('hex'))
  assert.equal(Date.parse(key.expires_at as string) - Date.parse(key.created_at), 90 * DAY_MS)
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), ['keys.json'])
})

test('the file is that of API_KEYS_PATH where no option names one', async (t) => {
  const { file } = place(t)
  const args = [
    'keys',
    'create',
    '--name',
    'ci',
    '--scope',
    'admin',
    '--expires',
    'never',
    '--json',
  ]
  const { code, out } = await aigov(args, { env: { API_KEYS_PATH: file } })
  const { token, ...told } = JSON.parse(out)
  const { sha256, ...kept } = keysIn(file)[0] as Key
  assert.equal(code, 0)
  assert.deepEqual(told, kept)
  assert.equal(kept.expires_at, null)
  assert.equal(sha256, createHash('sha256').update(token).digest('hex'))
})

test('in a checkout the file is the one that its gateway reads', async (t) => {
  const cwd = scratch(t)
  mkdirSync(join(cwd, 'infra/api-keys'), { recursive: true })
  const args = ['keys', 'create', '--name', 'ci', '--scope', 'admin']
  assert.equal((await aigov(args, { cwd })).code, 0)
  assert.equal(keysIn(join(cwd, 'infra/api-keys/api-keys.json'))[0]?.name, 'ci')
  const elsewhere = await aigov(args, { cwd: join(cwd, 'infra') })
  assert.equal(elsewhere.code, 2)
  assert.match(elsewhere.err, /--file/)
})

for (const [args, said] of [
  [['--scope', 'policy:evalute'], /Did you mean policy:evaluate\?[\s\S]*audit:append/],
  [['--scope', '*'], /There is no scope \*\. There are: audit:append/],
  [['--scope', 'admin', '--expires', '0d'], /--expires is a number of days/],
  [['--scope', 'admin', '--name', 'two words'], /--name is 1 to 64/],
  [['--scope', 'admin', '--name', ''], /--name is 1 to 64/],
  [[], /--scope/],
] as const) {
  test(`create ${args.join(' ') || 'without a scope'} ends with 2 and makes nothing`, async (t) => {
    const { folder, file } = place(t)
    const { code, out, err } = await aigov([
      ...['keys', 'create', '--file', file, '--name', 'ci'],
      ...args,
    ])
    assert.deepEqual([code, out, readdirSync(folder)], [2, '', []])
    assert.match(err, said)
  })
}

test('a name is given once, also after its key was revoked', async (t) => {
  const { file, create, keys } = place(t)
  await create('ci')
  await keys('revoke', 'ci')
  const before = readFileSync(file, 'utf8')
  const { code, out, err } = await create('ci')
  assert.deepEqual([code, out], [2, ''])
  assert.match(err, /is the name of the key [a-z0-9]{8} \(revoked\)/)
  assert.equal(readFileSync(file, 'utf8'), before)
})

test('many who make keys at the same time all find theirs in the file', async (t) => {
  const { folder, file, create } = place(t)
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const made = await Promise.all(names.map((name) => create(name)))
  assert.deepEqual(
    made.map(({ code }) => code),
    names.map(() => 0),
  )
  const hashes = made.map(({ out }) => createHash('sha256').update(out.trim()).digest('hex'))
  assert.deepEqual(
    keysIn(file)
      .map(({ sha256 }) => sha256)
      .sort(),
    hashes.sort(),
  )
  assert.deepEqual(readdirSync(folder), ['keys.json'])
})

test('what another process holds is not taken from it, and the message says how to go on', async (t) => {
  const { file, create } = place(t)
  writeFileSync(`${file}.lock`, '4711\n')
  const { code, out, err } = await create('ci')
  assert.deepEqual([code, out], [1, ''])
  assert.match(err, /Process 4711 [\s\S]*remove .*keys\.json\.lock/)
  assert.ok(!existsSync(file))
})

test('root leaves the file to whose it is, and a new one to whom the folder belongs', async (t) => {
  const { folder, file, create } = place(t)
  const isRoot = process.getuid?.() === 0
  if (isRoot) chownSync(folder, 1000, 1000)
  await create('ci')
  const owner = ({ uid, gid }: { uid: number; gid: number }) => [uid, gid]
  assert.deepEqual(owner(statSync(file)), owner(statSync(folder)))
  if (isRoot) chownSync(file, 1001, 1002)
  const before = owner(statSync(file))
  await create('b')
  assert.deepEqual(owner(statSync(file)), before)
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('list shows who holds what, and neither tokens nor hashes', async (t) => {
  const { file, create, keys } = place(t)
  const { out: token } = await create('ci')
  await create('old', '--expires', 'never')
  await keys('revoke', 'old')
  const [first, second] = keysIn(file) as [Key, Key]
  const { out, err } = await keys('list')
  assert.equal(err, '')
  assert.match(
    out,
    new RegExp(`^${first.id}  ci   active  .*policy:evaluate\n${second.id}  old  revoked`),
  )
  const told = JSON.parse((await keys('list', '--json')).out).keys
  const { sha256: _, ...shown } = first
  assert.deepEqual(told[0], { ...shown, state: 'active' })
  for (const secret of [token.trim(), first.sha256]) {
    assert.ok(!out.includes(secret) && !JSON.stringify(told).includes(secret))
  }
})

test('a key that is past its time is listed as expired', async (t) => {
  const { file, create, keys } = place(t)
  await create('ci')
  const [key] = keysIn(file)
  const expires_at = '2020-01-01T00:00:00Z'
  writeFileSync(file, JSON.stringify({ v: 1, keys: [{ ...key, expires_at }] }))
  assert.equal(JSON.parse((await keys('list', '--json')).out).keys[0].state, 'expired')
})

test('revoke takes an id or a name, and once is enough', async (t) => {
  const { file, create, keys } = place(t)
  await create('one')
  await create('two')
  const [one, two] = keysIn(file) as [Key, Key]
  assert.match((await keys('revoke', one.id)).out, /is revoked/)
  assert.match((await keys('revoke', 'two')).out, /is revoked/)
  const revoked = keysIn(file)
  assert.ok(revoked.every(({ revoked_at }) => revoked_at !== null))
  assert.deepEqual(
    revoked.map((key) => ({ ...key, revoked_at: null })),
    [one, two],
  )
  const again = await keys('revoke', 'two')
  assert.equal(again.code, 0)
  assert.match(again.out, /was revoked/)
  assert.deepEqual(keysIn(file), revoked)
})

test('revoke refuses what names no key, or two, or is a token', async (t) => {
  const { file, create, keys } = place(t)
  const { out } = await create('one')
  const [one] = keysIn(file) as [Key]
  await create(one.id)
  const before = readFileSync(file, 'utf8')
  for (const [named, said] of [
    ['nobody', /There is no key nobody/],
    [one.id, /give what only one of them has/],
    [out.trim(), /^That is a token/],
  ] as const) {
    const { code, err } = await keys('revoke', named)
    assert.equal(code, 2)
    assert.match(err, said)
    assert.ok(!err.includes(out.trim()))
  }
  assert.equal(readFileSync(file, 'utf8'), before)
})

test('a file that is not right is refused and left as it is', async (t) => {
  const { file, create, keys } = place(t)
  const text = '{"v":1,"keys":[7]}'
  writeFileSync(file, text, { mode: 0o600 })
  for (const end of [await create('x'), await keys('list'), await keys('revoke', 'x')]) {
    assert.deepEqual([end.code, end.out], [2, ''])
    assert.match(end.err, /keys\.json is not right at keys\[0\], which is no object/)
  }
  assert.equal(readFileSync(file, 'utf8'), text)
})

test('a file that others may read or write is refused', async (t) => {
  const { file, create, keys } = place(t)
  await create('ci')
  for (const mode of [0o640, 0o604, 0o620, 0o602]) {
    chmodSync(file, mode)
    const { code, err } = await keys('list')
    assert.equal(code, 2)
    assert.match(err, /chmod 600/)
  }
  assert.deepEqual([(await keys('revoke', 'ci')).code, (await create('b')).code], [2, 2])
  assert.deepEqual([keysIn(file).length, keysIn(file)[0]?.revoked_at], [1, null])
})

test('a link to the file stays one, and the file behind it changes', async (t) => {
  const { folder, file, create, keys } = place(t)
  const target = join(folder, 'real', 'k')
  mkdirSync(join(folder, 'real'))
  await create('ci')
  writeFileSync(target, readFileSync(file), { mode: 0o600 })
  const link = join(folder, 'link')
  symlinkSync(target, link)
  assert.equal((await aigov(['keys', 'revoke', 'ci', '--file', link])).code, 0)
  assert.ok(lstatSync(link).isSymbolicLink())
  assert.notEqual(keysIn(target)[0]?.revoked_at, null)
  assert.equal((await keys('list')).code, 0)
})

test('a folder or a file that is not there is said, not made', async (t) => {
  const { folder, keys } = place(t)
  const away = join(folder, 'none', 'keys.json')
  const created = await aigov(['keys', 'create', '--name', 'a', '--scope', 'admin', '--file', away])
  assert.equal(created.code, 2)
  assert.match(created.err, /The folder of .* \(ENOENT\)/)
  for (const { code, err } of [await keys('list'), await keys('revoke', 'a')]) {
    assert.equal(code, 2)
    assert.match(err, /There is no file/)
  }
  assert.deepEqual(readdirSync(folder), [])
})

test('on a full disk no token is shown, and the keys that were there stay', async (t) => {
  const { folder, file, create } = place(t)
  await create('ci')
  const before = readFileSync(file, 'utf8')
  const args = ['keys', 'create', '--name', 'b', '--scope', 'admin', '--file', file]
  const { code, out } = await aigovWithoutSpace(args, folder)
  assert.deepEqual([code, out], [1, ''])
  assert.equal(readFileSync(file, 'utf8'), before)
  assert.deepEqual(readdirSync(folder), ['keys.json'])
})
