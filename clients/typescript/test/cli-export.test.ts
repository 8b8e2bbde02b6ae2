import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { aigov, start } from './aigov.ts'
import { exportOf } from './entries.ts'
import { serve } from './server.ts'

let cwd: string
before(() => {
  cwd = mkdtempSync(join(tmpdir(), 'aigov-'))
})
after(() => rmSync(cwd, { recursive: true, force: true }))

const LINES = exportOf([{}, {}, {}])

test('an export gets its name when it is complete, and is never replaced unasked', async (t) => {
  const { url, received } = await serve(t, (response) => response.end(`${LINES.join('\n')}\n`))
  const args = ['export', '--url', url, '--out', 'out.ndjson']
  const { code, out, err } = await aigov(args, { cwd })
  assert.deepEqual([code, out], [0, ''])
  assert.match(err, /Exported 3 entries/)
  assert.equal(readFileSync(join(cwd, 'out.ndjson'), 'utf8'), `${LINES.join('\n')}\n`)
  assert.equal((await aigov(args, { cwd })).code, 2)
  assert.equal((await aigov([...args, '--force', '--witnessed'], { cwd })).code, 0)
  const asked = received.map(({ url: path }) => path)
  const plain = '/mcp-audit/export?fmt=ndjson'
  assert.deepEqual(asked, [plain, '/mcp-audit/export?witnessed=true&fmt=ndjson'])
})

for (const [what, end] of [
  [
    'ends without its trailer',
    (text: string, response: { end(text: string): unknown }) => response.end(text),
  ],
  [
    'breaks',
    (_text: string, response: { socket: { destroy(): void } | null }) => response.socket?.destroy(),
  ],
] as [string, (text: string, response: unknown) => void][]) {
  test(`an export that ${what} is exit code 6 and leaves no file`, async (t) => {
    const text = `${LINES.slice(0, 2).join('\n')}\n`
    const { url } = await serve(t, (response) => {
      response.write(text, () => end(text.slice(0, 0), response))
    })
    const folder = mkdtempSync(join(cwd, 'broken-'))
    const { code, err } = await aigov(['export', '--url', url, '--out', 'x.ndjson'], {
      cwd: folder,
    })
    assert.equal(code, 6, err)
    assert.deepEqual(readdirSync(folder), [])
    const toOutput = await aigov(['export', '--url', url])
    assert.deepEqual([toOutput.code, toOutput.out], [6, text])
  })
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`an export that is ended by ${signal} is exit code 130 and leaves no file`, async (t) => {
    const folder = mkdtempSync(join(cwd, 'interrupted-'))
    const { url } = await serve(t, (response) => response.write(`${LINES[0]}\n`))
    const child = start(['export', '--url', url, '--out', 'x.ndjson'], { cwd: folder })
    while (readdirSync(folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill(signal)
    assert.deepEqual((await once(child, 'close'))[0], 130)
    assert.deepEqual(readdirSync(folder), [])
  })
}

test('a file that came while the export was running is not replaced', async (t) => {
  const folder = mkdtempSync(join(cwd, 'meanwhile-'))
  const { url } = await serve(t, (response) => {
    writeFileSync(join(folder, 'x.ndjson'), 'mine')
    response.end(`${LINES.join('\n')}\n`)
  })
  const { code } = await aigov(['export', '--url', url, '--out', 'x.ndjson'], { cwd: folder })
  assert.equal(code, 2)
  assert.equal(readFileSync(join(folder, 'x.ndjson'), 'utf8'), 'mine')
  assert.deepEqual(readdirSync(folder), ['x.ndjson'])
})
