import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

// The cache spares each process compiling what others of the run have compiled.
const { PATH, NODE_COMPILE_CACHE } = process.env
const main = join(import.meta.dirname, '../src/cli/main.ts')

export interface Ended {
  code: number | null
  out: string
  err: string
}

export interface RunOptions {
  cwd?: string
  /** What standard input holds; by default nothing. */
  input?: string
  env?: Record<string, string>
}

/** Runs the command line as a process of its own, to its end. */
export async function aigov(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(args, options)
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')
  const ended = once(child, 'close')
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await ended
  return { code, out, err }
}

/** Starts the command line as a process of its own. */
export function start(args: readonly string[], { cwd, env }: RunOptions = {}) {
  return spawn(process.execPath, [main, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH, NODE_COMPILE_CACHE, ...env },
    ...(cwd && { cwd }),
  })
}

/** Runs the command line where no file can take a byte, as on a full disk. */
export async function aigovWithoutSpace(args: readonly string[], cwd: string): Promise<Ended> {
  const script = 'ulimit -f 0 && exec "$0" "$@"'
  const child = spawn('sh', ['-c', script, process.execPath, main, ...args], { cwd })
  const ended = once(child, 'close')
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await ended
  return { code, out, err }
}
