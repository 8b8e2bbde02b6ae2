import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
const leftOut = new Set(['.git', '.data', '.env', 'node_modules', 'dist', '__pycache__'])

/**
 * A copy of this checkout with a `.env` of its own, so that a trial neither reads nor changes what a
 * person has set up here. The caller removes it.
 *
 * @param dotenv the lines of `.env`; the folder has none where there are no lines
 */
export function copyCheckout(dotenv: readonly string[]): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'governance-smoke-'))
  // Containers run as users of their own, and mkdtemp closes the folder to all but its maker.
  chmodSync(folder, 0o755)
  cpSync(root, folder, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !leftOut.has(basename(path)),
  })
  if (dotenv.length > 0) writeFileSync(join(folder, '.env'), `${dotenv.join('\n')}\n`)
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
