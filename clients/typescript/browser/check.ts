// Runs the built library in a real browser, headless Chromium, against a running stack:
//
//   (cd clients/typescript && npm run build)
//   node clients/typescript/browser/check.ts --url http://127.0.0.1:8080
//   node clients/typescript/browser/check.ts --find      # which browser that would be
//
// Exit code 0 if every step said ok, 1 otherwise or if there is no browser. It writes to the log: a model
// version and one event a run.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Failure } from '../../../infra/failure.ts'
import { findChromium, startChromium } from '../../../infra/test-support/chromium.ts'
import { startSite } from './site.ts'

const STEPS = [
  ...[
    'health',
    'register',
    'validate',
    'log',
    'errors',
    'redirect',
    'abort',
    'aibom',
    'proof',
    'export',
  ],
]
const PATIENCE_MS = 60_000

function fail(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}

function findBrowser(): string {
  try {
    return findChromium()
  } catch (error) {
    if (error instanceof Failure) fail(error.message)
    throw error
  }
}

/** Opens the page and waits for what it reports; null if nothing comes. The browser is ended either way. */
async function reportOf(program: string, gateway: string): Promise<string | null> {
  const profile = mkdtempSync(join(tmpdir(), 'aigov-browser-'))
  const site = await startSite(gateway)
  const flags = ['--enable-logging=stderr']
  const browser = startChromium(program, { url: site.url, profile, flags })
  const ended = browser.ended.then(() => null)
  const report = await Promise.race([site.result, ended, sleep(PATIENCE_MS, null, { ref: false })])
  if (report === null) console.error(browser.said())
  await browser.end()
  site.close()
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  return report
}

const { values } = parseArgs({ options: { url: { type: 'string' }, find: { type: 'boolean' } } })
if (values.find) {
  console.log(findBrowser())
  process.exit(0)
}
const gateway = values.url ?? 'http://127.0.0.1:8080'
if (!URL.canParse(gateway)) fail('--url must be the address of the gateway.')
if (!existsSync(join(import.meta.dirname, '../dist/index.js'))) {
  fail('The library is not built: run "npm run build" in clients/typescript first.')
}
const report = await reportOf(findBrowser(), gateway)
if (report === null) fail('The page reported nothing: what the browser said is above.')
const results = JSON.parse(report) as { name: string; error: string | null }[]
for (const { name, error } of results)
  console.log(`${error === null ? 'ok  ' : 'FAIL'} ${name}${error ? `: ${error}` : ''}`)
const missing = STEPS.filter(
  (step) => !results.some(({ name, error }) => name === step && error === null),
)
if (missing.length > 0) fail(`Not ok in the browser: ${missing.join(', ')}.`)
console.log(`${STEPS.length} steps are ok in the browser.`)
