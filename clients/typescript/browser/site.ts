import { readFileSync } from 'node:fs'
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'

const folder = join(import.meta.dirname, '..')
const require = createRequire(import.meta.url)
const nobleFolder = dirname(require.resolve('@noble/hashes/sha2.js'))

/** What a page without a bundler needs: where the library and its two dependencies are. */
const IMPORT_MAP = {
  imports: {
    '@noble/hashes/sha2.js': '/noble/sha2.js',
    '@noble/hashes/utils.js': '/noble/utils.js',
    tweetnacl: '/tweetnacl.js',
  },
}
const PAGE = `<!doctype html><meta charset="utf-8"><title>check</title>
<script type="importmap">${JSON.stringify(IMPORT_MAP)}</script>
<script type="module" src="/browser/page.js"></script>`

export interface Site {
  url: string
  /** What the page reports, as text. */
  result: Promise<string>
  close(): void
}

/** A web site on loopback that serves the built library and passes everything else on to the gateway. */
export async function startSite(gateway: string): Promise<Site> {
  const report = Promise.withResolvers<string>()
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/'
    // Never answered: for what has to be aborted.
    if (path.startsWith('/slow/')) return
    if (path.startsWith('/moved/')) {
      response.writeHead(307, { location: path.slice('/moved'.length) }).end()
      return
    }
    if (path === '/result') {
      report.resolve(await text(request))
      response.end()
      return
    }
    const script = scriptAt(path)
    if (path === '/') response.setHeader('content-type', 'text/html; charset=utf-8').end(PAGE)
    else if (script !== null) response.setHeader('content-type', 'text/javascript').end(script)
    else passOn(request, response, gateway)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    result: report.promise,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** The source of a script of the site; null for every other path. */
function scriptAt(path: string): string | null {
  const name = basename(path)
  if (path === '/browser/page.js') {
    return readFileSync(join(import.meta.dirname, 'page.js'), 'utf8')
  }
  if (path === '/tweetnacl.js') {
    // It is CommonJS; a bundler would do the same.
    const source = readFileSync(require.resolve('tweetnacl'), 'utf8')
    return `const module = { exports: {} };\n${source}\nexport default module.exports\n`
  }
  if (path === `/dist/${name}`) return readFileSync(join(folder, 'dist', name), 'utf8')
  return path === `/noble/${name}` ? readFileSync(join(nobleFolder, name), 'utf8') : null
}

/** As any web server in front of the gateway would: the caller's Host and Origin are not the gateway's. */
function passOn(request: IncomingMessage, response: ServerResponse, gateway: string): void {
  const headers = Object.fromEntries(
    ['content-type', 'content-length', 'x-request-id', 'idempotency-key'].flatMap((name) => {
      const value = request.headers[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const call = httpRequest(
    new URL(request.url ?? '/', gateway),
    { method: request.method ?? 'GET', headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    },
  )
  call.on('error', () => response.destroy())
  request.pipe(call)
}
