import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { freePort, isFree, listenerOn } from '../local/ports.ts'

test('a free port is one that can be listened on', async () => {
  assert.equal(await isFree(await freePort()), true)
})

test('a port in use is not free, and its holder is named', async (t) => {
  const port = await freePort()
  const server = createServer().listen(port, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  assert.equal(await isFree(port), false)
  assert.match(listenerOn(port) ?? '', new RegExp(`^process ${process.pid} `))
})

test('a port in use on every address is not free on loopback either', async (t) => {
  const port = await freePort()
  const server = createServer().listen(port, '0.0.0.0')
  t.after(() => server.close())
  await once(server, 'listening')
  assert.equal(await isFree(port), false)
})
