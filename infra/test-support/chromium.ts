import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Failure } from '../failure.ts'

// Chrome first: where both are, a chromium on PATH may be a wrapper for a package that is not installed.
const BROWSERS = ['google-chrome', 'chromium', 'chromium-browser']
/** How much is kept of what it writes to its standard error, in characters. */
const KEPT = 4_000

/** A headless browser that is running, or was. */
export interface Browser {
  hasEnded(): boolean
  /** Resolves when it has ended, whoever ended it. */
  ended: Promise<unknown>
  /** The last of what it wrote to its standard error. */
  said(): string
  /** Ends it with all its processes, if it has not ended, and resolves when they are gone. */
  end(): Promise<void>
}

/** The name of a Chrome or Chromium on PATH. Throws `Failure` where there is none. */
export function findChromium(): string {
  const found = BROWSERS.find((name) => spawnSync(name, ['--version']).status === 0)
  if (found) return found
  throw new Failure(`No browser: none of ${BROWSERS.join(', ')} is on PATH. Install one.`)
}

export interface ChromiumOptions {
  /** The page that it opens. */
  url: string
  /** The folder of its profile, which it makes. */
  profile: string
  /** Flags beside those that every run has. */
  flags: string[]
}

/** Starts `program`, as {@link findChromium} gives it, without a window. */
export function startChromium(program: string, options: ChromiumOptions): Browser {
  const { url, profile, flags } = options
  const child = spawn(program, [...flagsFor(profile), ...flags, url], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, so that its helper processes end with it.
    detached: true,
  })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-KEPT)
  })
  const ended = once(child, 'close')
  return {
    hasEnded: () => hasEnded(child),
    ended,
    said: () => said,
    async end() {
      if (child.pid && !hasEnded(child)) process.kill(-child.pid, 'SIGKILL')
      await ended
    },
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

function flagsFor(profile: string): string[] {
  return [
    '--headless=new',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--disable-component-update',
    '--no-first-run',
    `--user-data-dir=${profile}`,
    // Chromium refuses to run as root with its sandbox on.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ]
}
