import assert from 'node:assert/strict'
import { METHODS, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createServer } from '@ai-governance/common/http/server'

test('no method is answered as if something had gone wrong inside', async (t) => {
  const app = createServer({
    name: 'a-service',
    logLevel: 'silent',
    host: { ports: [], allowedHosts: ['localhost'] },
    missing: async () => [],
  })
  t.after(() => app.close())
  app.get('/events', async () => [])
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const statusOf = (method: string, path: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const call = request({
        method,
        path,
        port,
        host: '127.0.0.1',
        headers: { host: 'localhost' },
      })
      call.on('response', (answer) => {
        text(answer).then(() => resolve(answer.statusCode), reject)
      })
      call.on('error', reject).end()
    })
  for (const method of METHODS.filter((name) => name !== 'CONNECT' && name !== 'GET')) {
    for (const path of ['/events', '/nothing', '/healthz']) {
      const status = await statusOf(method, path)
      assert.ok(status === 404 || status === 415, `${method} ${path}: ${status}`)
    }
  }
})
