// Lets hostile web pages loose on a stack of its own, in a headless browser: pages of other origins, and pages whose name
// comes to resolve to the stack after they were loaded (DNS rebinding), against the gateway and each service's port.
//
//   node infra/bootstrap.js infra/cross-site/check.ts
//
// Exit codes: 0 nothing was written and no page read an answer that says more than no; 1 otherwise, with what was.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { freePort } from '../local/ports.ts'
import { openBrowser, type Page } from '../test-support/browser-page.ts'
import { startOwnStack } from '../test-support/own-stack.ts'
import type { ServiceProcess } from '../test-support/service-process.ts'
import type { Stack } from '../test-support/stack.ts'

/** What there is to write to, by whose port it is. */
interface Target {
  name: string
  process: ServiceProcess
  paths: string[]
}

/** Names below `localhost` are loopback for every browser, and none of ours. */
const REBOUND = 'rebound.localhost'
const SITES = ['evil.localhost', 'localhost', '127.0.0.1']

function targetsOf(stack: Stack): Target[] {
  const own = ['/mcp-audit/log', '/mcp-lineage/register', '/api/v1/models/register']
  return [
    { name: 'mcp-gateway', process: stack.gateway, paths: [...own, '/mcp-policy/validate'] },
    { name: 'mcp-audit', process: stack.audit, paths: ['/log', '/log/batch', '/holds'] },
    { name: 'mcp-lineage', process: stack.lineage, paths: ['/register'] },
    { name: 'mcp-policy', process: stack.policy, paths: ['/validate'] },
  ]
}

/** The attacker's site on a port of 127.0.0.1. */
async function startSite(port: number): Promise<AsyncDisposable> {
  const script = readFileSync(join(import.meta.dirname, 'attacks.js'), 'utf8')
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(`<!doctype html><body><script type="module">${script}</script>`)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

/** What a page made of its attack: no answer that it could read may say anything but no. */
async function attack(page: Page, base: string, paths: string[], where: string): Promise<number> {
  const call = `attack(${JSON.stringify(base)}, ${JSON.stringify(paths)})`
  const found = (await page.evaluate(call)) as [what: string, outcome: string][]
  for (const [what, outcome] of found) {
    assert.doesNotMatch(outcome, /^[123]\d\d$/, `${where}: ${what}`)
  }
  return found.length
}

async function fromOtherOrigins(page: Page, targets: Target[]): Promise<number> {
  const port = await freePort()
  await using _site = await startSite(port)
  let attempts = 0
  for (const host of SITES) {
    for (const { name, process, paths } of targets) {
      await page.open(`http://${host}:${port}/`)
      attempts += await attack(page, process.url, paths, `${host} at ${name}`)
    }
  }
  return attempts
}

/**
 * The page is loaded from a name and a port at which the attacker answers; then the stack is there instead, and the
 * browser takes what the page sends for requests to its own origin.
 */
async function afterRebinding(page: Page, targets: Target[]): Promise<number> {
  let attempts = 0
  for (const { name, process, paths } of targets) {
    const { port } = new URL(process.url)
    const base = `http://${REBOUND}:${port}`
    await process.end('SIGTERM')
    {
      await using _site = await startSite(Number(port))
      await page.open(`${base}/`)
    }
    await process.start()
    attempts += await attack(page, base, paths, `${REBOUND} at ${name}`)
  }
  return attempts
}

interface Line {
  msg?: string
  method?: string
  status?: number
  actor?: string
}

/** Every POST that a process has logged, by status, but for what services write themselves. */
function postsIn(process: ServiceProcess): Map<number, number> {
  const posts = new Map<number, number>()
  for (const text of process.log().split('\n')) {
    if (!text.startsWith('{')) continue
    const { msg, method, status, actor } = JSON.parse(text) as Line
    if (msg !== 'request' || method !== 'POST' || status === undefined) continue
    if (actor?.startsWith('service:')) continue
    posts.set(status, (posts.get(status) ?? 0) + 1)
  }
  return posts
}

async function assertNothingWritten(stack: Stack): Promise<void> {
  const events = await fetch(`${stack.gateway.url}/mcp-audit/events?subject=planted`)
  assert.deepEqual(await events.json(), [])
  const models = await fetch(`${stack.gateway.url}/mcp-lineage/lineage/planted`)
  assert.deepEqual(await models.json(), [])
}

async function check(page: Page, stack: Stack): Promise<void> {
  const targets = targetsOf(stack)
  const foreign = await fromOtherOrigins(page, targets)
  const rebound = await afterRebinding(page, targets)
  await assertNothingWritten(stack)
  // Log lines are gathered until a process ends.
  for (const { process } of targets) await process.end('SIGTERM')
  for (const { name, process } of targets) {
    const posts = postsIn(process)
    const said = [...posts].map(([status, count]) => `${count} × ${status}`).join(', ')
    console.log(`${name}: POST answered ${said}`)
    // That the attacks arrived at all.
    assert.ok((posts.get(403) ?? 0) > 0, `${name} has refused no page`)
    assert.ok((posts.get(421) ?? 0) > 0, `${name} has refused no name`)
    assert.ok([...posts.keys()].every((status) => status >= 400 && status < 500))
  }
  console.log(`${foreign} attempts of foreign pages, ${rebound} after rebinding: nothing written.`)
}

try {
  await using cleanup = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'governance-cross-site-'))
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const page = await openBrowser(folder, cleanup)
  await check(page, await startOwnStack(folder, cleanup))
} catch (error) {
  console.error(error instanceof Failure ? error.message : error)
  process.exitCode = 1
}
