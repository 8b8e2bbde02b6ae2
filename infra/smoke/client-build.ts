import { join } from 'node:path'
import { type CommandResult, runCommand } from './command.ts'

const root = join(import.meta.dirname, '..', '..')

let built: Promise<unknown> | undefined

/** Builds the TypeScript client in this checkout, once for all scenarios of a run. */
export async function buildClient(): Promise<void> {
  built ??= runCommand(['npm', 'run', '--silent', 'build'], { cwd: root, env: process.env })
  await built
}

/** The built command line. Exit codes 4, "not verified", and 8, "consistent, key not pinned", are answers. */
export function aigov(...args: string[]): Promise<CommandResult> {
  const main = join(root, 'clients', 'typescript', 'dist', 'cli', 'main.js')
  return runCommand([process.execPath, main, ...args], { allow: [4, 8] })
}
