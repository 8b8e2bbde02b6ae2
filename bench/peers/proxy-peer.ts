// Fastify with @fastify/http-proxy in front of the same upstreams as the gateway, its log on standard output:
// `node proxy-peer.ts <port> <as-it-comes | one-line> <port of mcp-audit> <port of the small answer>`; ends on SIGTERM.
import { writeSync } from 'node:fs'
import proxy from '@fastify/http-proxy'
import fastify from 'fastify'

const [port, logs, audit, small] = process.argv.slice(2) as [string, string, string, string]
const isOneLine = logs === 'one-line'
const app = fastify({
  logger: isOneLine ? { stream: { write: gathered() } } : true,
  disableRequestLogging: isOneLine,
})
if (isOneLine) {
  app.addHook('onResponse', (request, reply, done) => {
    const { id, method, url } = request
    const { statusCode: status, elapsedTime: ms } = reply
    app.log.info({ id, method, url, status, ms }, 'request')
    done()
  })
}
const shared = { disableRequestLogging: isOneLine }
app.register(proxy, { ...shared, upstream: `http://127.0.0.1:${audit}`, prefix: '/mcp-audit' })
app.register(proxy, { ...shared, upstream: `http://127.0.0.1:${small}`, prefix: '/mcp-policy' })
await app.listen({ port: Number(port), host: '127.0.0.1' })

/** Writes lines 32 KiB at a time, as the gateway does: each write costs. */
function gathered(): (line: string) => void {
  let lines = ''
  return (line) => {
    lines += line
    if (lines.length < 32_768) return
    writeSync(1, lines)
    lines = ''
  }
}
