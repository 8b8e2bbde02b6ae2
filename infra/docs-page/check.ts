// Opens /docs in a headless browser over a stack of its own, reads it and tries what it offers:
//
//   node infra/bootstrap.js infra/docs-page/check.ts
//
// Exit codes: 0 the page shows every operation, sends requests, and neither its security policy nor anything else was
// complained of; 1 otherwise, with what is wrong.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { servedRoutes } from '../openapi/document.ts'
import { openBrowser, type Page } from '../test-support/browser-page.ts'
import { startOwnStack } from '../test-support/own-stack.ts'

/** Opens an operation, presses its button, and resolves to the answer that the page then shows. */
async function tryOut(page: Page, operationId: string): Promise<string> {
  return (await page.evaluate(`(async () => {
    const operation = document.getElementById(${JSON.stringify(operationId)})
    operation.open = true
    while (!operation.querySelector('.try')) await new Promise((done) => setTimeout(done, 20))
    operation.querySelector('.try').open = true
    operation.querySelector('.try button').click()
    const answer = operation.querySelector('.answer')
    while (answer.textContent.length < 2) await new Promise((done) => setTimeout(done, 20))
    return answer.textContent
  })()`)) as string
}

async function check(page: Page, gateway: string): Promise<number> {
  await page.open(`${gateway}/docs`)
  await page.evaluate(`(async () => {
    while (!document.body.dataset.operations) await new Promise((done) => setTimeout(done, 20))
  })()`)
  const served = servedRoutes().flatMap(([, routes]) => routes).length
  const shown = await page.evaluate("document.querySelectorAll('.operation').length")
  assert.equal(shown, served, 'operations on the page')
  const decision = await tryOut(page, 'policy.validate')
  assert.match(decision, /^200 OK\n/)
  assert.match(decision, /"allowed": true/)
  assert.match(await tryOut(page, 'audit.log'), /^200 OK\n[\s\S]*"entry_hash": "[0-9a-f]{64}"/)
  assert.match(await tryOut(page, 'audit.eventsPage'), /^200 OK\n[\s\S]*"model.released"/)
  assert.deepEqual(page.complaints, [])
  // That complaints are seen at all.
  await page.evaluate(
    "document.head.append(Object.assign(document.createElement('style'), { textContent: 'p {}' }))",
  )
  while (page.complaints.length === 0)
    await page.evaluate('new Promise((done) => setTimeout(done, 20))')
  return served
}

/** Rejects at a signal, so that what was started is ended. */
const stopped = new Promise<never>((_resolve, reject) => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => reject(new Failure('interrupted')))
  }
})
stopped.catch(() => {})

try {
  await using cleanup = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'governance-docs-page-'))
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const page = await openBrowser(folder, cleanup)
  const stack = await startOwnStack(folder, cleanup)
  const shown = await Promise.race([check(page, stack.gateway.url), stopped])
  console.log(`${shown} operations on /docs, three of them tried: ok.`)
} catch (error) {
  console.error(error instanceof Failure ? error.message : error)
  process.exitCode = 1
}
