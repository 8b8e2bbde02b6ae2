import { isAbsolute, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The path of a file from where pull requests count it: the checkout of a GitHub workflow, else the folder that
 * the command runs in. Null if the file lies outside.
 */
export function pathInCheckout(file: string): string | null {
  const root = process.env.GITHUB_WORKSPACE || process.cwd()
  const path = relative(root, resolve(file))
  const isOutside = path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)
  if (isOutside) return null
  return path === '' ? '.' : path.split(sep).join('/')
}

/** The same as a reference by RFC 3986, which SARIF asks for (§3.4.3): absolute where the file lies outside. */
export function uriOf(file: string): string {
  const path = pathInCheckout(file)
  if (path === null) return pathToFileURL(resolve(file)).href
  // A colon in the first segment would read as a scheme; `encodeURIComponent` writes it out.
  return path.split('/').map(encodeURIComponent).join('/')
}
