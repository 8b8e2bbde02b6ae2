import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient } from '../src/client.ts'
import type { GovernanceError } from '../src/errors.ts'
import { json, serve } from './server.ts'

for (const baseUrl of ['gateway', 'ftp://g', 'http://user@g', 'http://g/?a=b', 'http://g/#a']) {
  test(`${baseUrl} is no address of a gateway`, () => {
    assert.throws(() => createClient({ baseUrl }), { code: 'invalid_argument' })
  })
}

test('an address with a password is refused in a sentence that does not hold it', () => {
  for (const baseUrl of [
    'http://:SECRET@gateway',
    'http://user:SECRET@gateway/?a',
    'ftp://:SECRET@g',
  ]) {
    assert.throws(
      () => createClient({ baseUrl }),
      (error: GovernanceError) =>
        error.code === 'invalid_argument' && !error.message.includes('SECRET'),
    )
  }
})

for (const end of ['/?', '/#', '?', '//']) {
  test(`an address that ends in ${end} is that of the same gateway`, async (t) => {
    const { url, received } = await serve(t, (response) => json(response, { services: [] }))
    await createClient({ baseUrl: url + end }).gateway.directory()
    assert.equal(received[0]?.url, '/mcp')
  })
}
