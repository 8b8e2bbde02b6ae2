import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { getBytes, sendRaw, startPair } from './harness.ts'

const source = (file: string) => readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8')

test('/openapi.json is the document, without a call of a service', async (t) => {
  const { gateway, recorder } = await startPair(t)
  const answer = await fetch(`${gateway.url}/openapi.json`)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
  assert.deepEqual(await answer.json(), JSON.parse(source('docs/openapi.json')))
  assert.equal(recorder.received.length, 0)
})

test('what is served is not sent again to who has it', async (t) => {
  const { gateway } = await startPair(t)
  for (const path of [
    '/openapi.json',
    '/docs',
    '/docs/app.js',
    '/docs/app.css',
    '/docs/icon.svg',
  ]) {
    const first = await sendRaw(gateway.port, getBytes(gateway.port, path))
    assert.equal(first.status, 200)
    const etag = `If-None-Match: ${first.headers.etag}`
    const again = await sendRaw(
      gateway.port,
      getBytes(gateway.port, path, [etag, 'Connection: close']),
      {
        untilClosed: true,
      },
    )
    assert.deepEqual([again.status, again.body, again.headers.etag], [304, '', first.headers.etag])
    const other = await sendRaw(gateway.port, getBytes(gateway.port, path, ['If-None-Match: "x"']))
    assert.deepEqual([other.status, other.body], [200, first.body])
  }
})

test('what a caller has is told by any tag of a list, weak or strong, and by an asterisk', async (t) => {
  const { gateway } = await startPair(t)
  const ask = (...fields: string[]) =>
    sendRaw(
      gateway.port,
      getBytes(gateway.port, '/docs/icon.svg', [
        ...fields.map((field) => `If-None-Match: ${field}`),
        'Connection: close',
      ]),
      { untilClosed: true },
    )
  const { body, headers } = await ask()
  const tag = headers.etag as string
  const held = [
    ['*'],
    [`W/${tag}`],
    [`"x", ${tag}`],
    [`"x"\t,,W/${tag},`],
    [`"a,b", W/"",${tag}`],
    ['"x"', `W/${tag}`],
  ]
  for (const fields of held) {
    const { status, body: text, headers } = await ask(...fields)
    assert.deepEqual([status, text, headers.etag], [304, '', tag], fields.join())
  }
  const bare = tag.slice(1, -1)
  const others = ['"x"', bare, `w/${tag}`, `"x,${tag}`, `"x" ${tag}`, `*, ${tag}`, `"${tag}"`, ' ']
  for (const field of others) {
    const answer = await ask(field)
    assert.deepEqual([answer.status, answer.body], [200, body], field)
  }
})

test('the page may run and load what the gateway serves, and every other answer nothing', async (t) => {
  const { gateway } = await startPair(t)
  const policyOf = async (path: string) =>
    (await fetch(gateway.url + path)).headers.get('content-security-policy') ?? ''
  const page = await policyOf('/docs')
  assert.match(page, /^default-src 'none'; script-src 'self'; style-src 'self';/)
  assert.doesNotMatch(page, /unsafe|https?:|\*|data:/)
  for (const path of [
    '/openapi.json',
    '/docs/app.js',
    '/docs/app.css',
    '/mcp',
    '/mcp-audit/events',
    '/x',
  ]) {
    assert.equal(await policyOf(path), "default-src 'none';frame-ancestors 'none'", path)
  }
})

test('the page needs nothing inline and nothing from elsewhere', () => {
  const page = source('docs/page.html')
  assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)|:\/\//)
  const script = source('docs/app.js')
  assert.doesNotMatch(
    script,
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(/,
  )
  assert.doesNotMatch(script, /localStorage|sessionStorage|cookie|https?:\/\//)
})
