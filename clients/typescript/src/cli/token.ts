import { readFile } from 'node:fs/promises'
import type { Token } from '../credentials.ts'
import { usage } from './exit.ts'

/** What the environment says of credentials. There is no option for them: command lines are seen by every process. */
export interface TokenSource {
  token: Token | undefined
  allowInsecure: boolean
}

/**
 * AIGOV_TOKEN is the token; AIGOV_TOKEN_FILE the path of a file with it, read anew before each request, so that
 * whatever renews it may replace it. Fails with exit code 2.
 */
export function tokenSource(env: Readonly<Record<string, string | undefined>>): TokenSource {
  const text = env.AIGOV_TOKEN?.trim()
  const path = env.AIGOV_TOKEN_FILE
  if (text && path) throw usage('Set one of AIGOV_TOKEN and AIGOV_TOKEN_FILE, not both.')
  const allowInsecure = isTrue(env.AIGOV_ALLOW_INSECURE)
  return { token: path ? () => tokenIn(path) : text || undefined, allowInsecure }
}

/** Refuses a token on the command line, before anything repeats it. Fails with exit code 2. */
export function refuseTokenOption(args: readonly string[]): void {
  if (!args.some((arg) => /^--token(=|$)/.test(arg))) return
  throw usage(
    'A token is never given on the command line, where every process of this machine can read it: set ' +
      'AIGOV_TOKEN, or AIGOV_TOKEN_FILE to the path of a file with it. Make a new one if this one was real.',
  )
}

async function tokenIn(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw usage(`AIGOV_TOKEN_FILE: ${path} cannot be read (${code}).`)
  }
}

function isTrue(text: string | undefined): boolean {
  if (text === 'true' || text === '1') return true
  if (!text || text === 'false' || text === '0') return false
  throw usage('AIGOV_ALLOW_INSECURE is true or false.')
}
