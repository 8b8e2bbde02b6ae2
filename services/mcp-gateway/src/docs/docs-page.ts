import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { App } from '@ai-governance/common/http/server'
import { isHeld } from './if-none-match.ts'

/** The page runs its own script and style, talks to this gateway, and does nothing else. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/** What is served, by path: the file in this folder, and its media type. */
const FILES = {
  '/openapi.json': ['./openapi.json', 'application/json; charset=utf-8'],
  '/docs': ['./page.html', 'text/html; charset=utf-8'],
  '/docs/app.js': ['./app.js', 'text/javascript; charset=utf-8'],
  '/docs/app.css': ['./app.css', 'text/css; charset=utf-8'],
  '/docs/icon.svg': ['./icon.svg', 'image/svg+xml'],
} as const

/**
 * The description of the whole interface, and a page to read and try it, docs/API.md. The bytes are read once; the
 * document is made by infra/openapi, because this service knows no other service's schemas.
 */
export function registerDocs(app: App): void {
  for (const [path, [file, type]] of Object.entries(FILES)) {
    const source = readFileSync(new URL(file, import.meta.url), 'utf8')
    // Indented for those who compare two of them in the repository.
    const bytes = Buffer.from(
      path === '/openapi.json' ? JSON.stringify(JSON.parse(source)) : source,
    )
    const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`
    app.get(path, (request, reply) => {
      reply.header('etag', etag).header('cache-control', 'no-cache')
      if (path === '/docs') reply.header('content-security-policy', PAGE_POLICY)
      if (isHeld(request.headers['if-none-match'], etag)) return reply.code(304).send()
      return reply.type(type).send(bytes)
    })
  }
}
