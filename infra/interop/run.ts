// Has verifiers that are not ours read what mcp-audit signs, proves and serves, unchanged: the note reader and the
// tree code of Go's checksum database, and Tessera's client. Starts a PostgreSQL, mcp-audit, a witness and the gateway
// for the run, grows the log over the sizes at which trees change their shape, and runs the Go program of this
// folder at each.
//
//   npm run interop                        every size, directly and at the end through the gateway
//   npm run interop -- --sizes 1,256,257   some, in rising order
//
// Needs Go; the modules come through its module proxy, once, and are the ones that go.sum names.
// Progress goes to standard error, one line of counts a size to standard output.
// Exit codes: 0 all of it was verified; 1 something was not, or changed evidence was accepted; 2 wrong arguments;
// 3 no verdict: Go is not installed, its modules could not be had, or the log gave no checkpoint;
// 128 + n after a signal.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Failure } from '../failure.ts'
import { fillLog } from '../test-support/fill-log.ts'
import { type SignedLog, startSignedLog } from './signed-log.ts'

/** Nothing, one leaf, around one full tile, a few tiles, and the first full tile of level 1 and past it. */
const SIZES = [0, 1, 255, 256, 257, 1_000, 65_536, 70_000]
/** Entries of each size that are appended by `POST /log`, so that the proofs in its answers are checked too. */
const APPENDED = 8
const NOT_VERIFIED = 1
const USAGE = 2
const NO_VERDICT = 3

const say = (line: string) => process.stderr.write(`${line}\n`)
const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => stopping.abort(name))
}

/** Why there is no verdict. */
class NoVerdict extends Failure {}

/** The Go program, built from the modules that go.sum names. Throws `NoVerdict`. */
function build(folder: string): string {
  // On the PATH, or where Go's own installer puts it.
  const places = ['go', '/usr/local/go/bin/go']
  const go = places.find((file) => spawnSync(file, ['version']).status === 0)
  if (!go) {
    throw new NoVerdict(
      'Go is not installed, so nothing was checked. Install Go 1.26 or later (https://go.dev/dl), then run the same command again.',
    )
  }
  const program = join(folder, 'interop')
  say('building the Go program (the first time its modules are downloaded) ...')
  // Neither git nor a C compiler is needed.
  const { status } = spawnSync(go, ['build', '-mod=readonly', '-buildvcs=false', '-o', program], {
    cwd: import.meta.dirname,
    env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
    stdio: ['ignore', 2, 2],
  })
  if (status === 0) return program
  throw new NoVerdict(
    'The Go program was not built, so nothing was checked: the lines above say why. It needs Go 1.26 or later and, the first time, a Go module proxy ("go env GOPROXY").',
  )
}

async function main(sizes: number[]): Promise<number> {
  await using cleanup = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'governance-interop-'))
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }))
  const program = build(folder)
  const log = await startSignedLog(folder, cleanup, say)
  return await grow(sizes, log, program, folder) // Awaited, as the end of the block takes the log down.
}

/** Grows the log from size to size, and has each checked as a continuation of the one before. */
async function grow(
  sizes: number[],
  log: SignedLog,
  program: string,
  folder: string,
): Promise<number> {
  const known = ['-key', log.verifierKey, '-seen', join(folder, 'checkpoint')]
  const check = (url: string, size: number, appended: number, ...more: string[]) =>
    run(program, ['-log', url, '-size', `${size}`, '-append', `${appended}`, ...known, ...more])
  let grown = 0
  for (const size of sizes) {
    if (stopping.signal.aborted) return interrupted()
    const appended = Math.min(size - grown, APPENDED)
    say(`\n== ${size} entries`)
    await fillLog(log.owner, size - appended)
    const code = await check(log.audit.url, size, appended)
    if (code !== 0) return code
    grown = size
  }
  say(`\n== ${APPENDED} more, through the gateway`)
  grown += APPENDED
  const gateway = `${log.gateway.url}/mcp-audit`
  const code = await check(gateway, grown, APPENDED)
  if (code !== 0) return code
  say('\n== cosigned by the witness')
  await untilCosigned(gateway)
  if (stopping.signal.aborted) return interrupted()
  return check(gateway, grown, 0, '-witness', log.witnessKey, '-positions', '10')
}

/** Waits until the newest checkpoint has a second signature: mcp-audit sends it to its witnesses every few seconds. */
async function untilCosigned(url: string): Promise<void> {
  const patience = AbortSignal.any([stopping.signal, AbortSignal.timeout(60_000)])
  while (!patience.aborted) {
    const note = await fetch(`${url}/checkpoint`).then((response) => response.text())
    if (note.split('\n— ').length > 2) return
    await sleep(200)
  }
}

/** Runs the Go program; its lines are ours. */
async function run(program: string, args: string[]): Promise<number> {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const end = () => child.kill('SIGTERM')
  stopping.signal.addEventListener('abort', end)
  const [code] = await once(child, 'exit')
  stopping.signal.removeEventListener('abort', end)
  return stopping.signal.aborted ? interrupted() : (code ?? NOT_VERIFIED)
}

function interrupted(): number {
  say('interrupted')
  return 128 + constants.signals[stopping.signal.reason as NodeJS.Signals]
}

/** Says why it did not come to an end, and gives the exit code for that. */
function explain(error: unknown): number {
  console.error(error instanceof Failure ? error.message : error)
  return error instanceof NoVerdict ? NO_VERDICT : NOT_VERIFIED
}

/** Rising sizes, undefined where the text is none. */
function readSizes(text: string | undefined): number[] | undefined {
  if (text === undefined) return SIZES
  if (!/^\d{1,7}(,\d{1,7})*$/.test(text)) return undefined
  const sizes = text.split(',').map(Number)
  return sizes.every((size, i) => size > (sizes[i - 1] ?? -1)) ? sizes : undefined
}

function readArguments(): number[] | undefined {
  try {
    return readSizes(parseArgs({ options: { sizes: { type: 'string' } } }).values.sizes)
  } catch {
    return undefined
  }
}

const sizes = readArguments()
if (!sizes) {
  say('Wrong arguments. Usage: npm run interop -- [--sizes 1,256,257] (numbers in rising order)')
  process.exitCode = USAGE
} else {
  try {
    process.exitCode = await main(sizes)
    if (process.exitCode === 0) {
      console.log(`verified at ${sizes.length} sizes, through the gateway, and cosigned`)
    }
  } catch (error) {
    process.exitCode = stopping.signal.aborted ? interrupted() : explain(error)
  }
}
