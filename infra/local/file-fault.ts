import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { Failure } from '../failure.ts'

/** The text of a file. Unlike readFileSync, the error names the path where a folder has its place. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw Object.assign(error as Error, { path })
  }
}

/**
 * What a person can do about an error of the file system on `.env` or on a path below `.data`.
 *
 * @param root the folder of the checkout
 * @returns undefined for every other error: that is a fault of ours
 */
export function explainFileFault(error: unknown, root: string): Failure | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, path, message } = error as NodeJS.ErrnoException
  if (code === undefined || path === undefined) return undefined
  const names = relative(root, path).split(sep)
  if (names[0] !== '.data' && relative(root, path) !== '.env') return undefined
  // From the top, since what is wrong with a folder is met at the paths below it.
  const steps = names.map((_, index) => join(root, ...names.slice(0, index + 1)))
  return new Failure(sentence(code, steps) ?? `${path} cannot be used: ${message}.`)
}

function sentence(code: string, steps: readonly string[]): string | undefined {
  const last = steps.at(-1) as string
  switch (code) {
    case 'EACCES':
    case 'EPERM': {
      const closed = steps.find(isClosed) ?? last
      const uid = process.getuid?.() ?? '<you>'
      return `${closed} is closed to this user (${code}): correct its permissions with "chmod -R u+rwX ${closed}", or, if it belongs to another user, take it over with "sudo chown -R ${uid} ${closed}".`
    }
    case 'ENOTDIR':
    case 'EEXIST': {
      const file = steps.find((step) => isFolder(step) === false)
      return file && `${file} is a file, and has to be a folder: move it away, then start again.`
    }
    case 'EISDIR':
    case 'ERR_FS_EISDIR':
      if (!isFolder(last)) return undefined
      return `${last} is a folder, and has to be a file: move it away, then start again.`
    default:
      return undefined
  }
}

function isClosed(path: string): boolean {
  const { R_OK, W_OK, X_OK } = constants
  try {
    accessSync(path, isFolder(path) ? R_OK | W_OK | X_OK : R_OK)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}

/** Undefined when there is nothing, or nothing that we may look at. */
function isFolder(path: string): boolean | undefined {
  try {
    return statSync(path).isDirectory()
  } catch {
    return undefined
  }
}
