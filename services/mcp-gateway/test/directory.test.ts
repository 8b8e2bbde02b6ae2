import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isLoopback } from '@ai-governance/common/http/loopback'
import { parseDirectory } from '../src/directory.ts'

const OWN_PORTS = [8080, 9090]
const entry = (url: unknown, name = 'mcp-audit') => JSON.stringify({ [name]: url })

describe('an entry is refused, and named, if it', () => {
  const rows: [name: string, url: unknown][] = [
    ['is https', 'https://mcp-audit'],
    ['has another scheme', 'ftp://mcp-audit'],
    ['has no scheme', 'mcp-audit:8000'],
    ['has a scheme in upper case', 'HTTP://mcp-audit'],
    ['holds a user', 'http://user@mcp-audit'],
    ['holds a password', 'http://user:secret@mcp-audit'],
    ['ends in a slash', 'http://mcp-audit/'],
    ['has a path', 'http://mcp-audit/api'],
    ['has a query', 'http://mcp-audit?x'],
    ['has a fragment', 'http://mcp-audit#x'],
    ['has white space', ' http://mcp-audit'],
    ['has a host in upper case', 'http://MCP-Audit'],
    ['is a private address', 'http://10.0.0.1:8000'],
    ['is the metadata service', 'http://169.254.169.254'],
    ['is every address', 'http://0.0.0.0:8000'],
    ['is an address in hexadecimal', 'http://0x7f000001:8000'],
    ['is an address as one number', 'http://2130706433:8000'],
    ['is an address in octal', 'http://0177.0.0.1:8000'],
    ['is a short address', 'http://127.1:8000'],
    ['is an IPv6 address', 'http://[2001:db8::1]:8000'],
    ['is a mapped address', 'http://[::ffff:10.0.0.1]:8000'],
    ['has port 0', 'http://mcp-audit:0'],
    ['has a port too high', 'http://mcp-audit:65536'],
    ['has an empty port', 'http://mcp-audit:'],
    ['points at the gateway by name', 'http://mcp-gateway:8000'],
    ['points at the gateway by port', 'http://127.0.0.1:8080'],
    ['points at the gateway by its published port', 'http://localhost:9090'],
    ['is a number', 8000],
    ['is null', null],
    ['is an object', { url: 'http://mcp-audit' }],
  ]
  for (const [name, url] of rows) {
    test(name, () => {
      const faults = parseDirectory(entry(url), OWN_PORTS)
      assert.ok(Array.isArray(faults))
      assert.equal(faults.length, 1)
      assert.match(faults[0] as string, /^MCP_DIRECTORY entry "mcp-audit" /)
      assert.ok(!(faults[0] as string).includes('secret'))
    })
  }
})

describe('a directory is refused if', () => {
  const rows: [name: string, text: string][] = [
    ['it is not JSON', 'mcp-audit=http://mcp-audit'],
    ['it is a list', '["http://mcp-audit"]'],
    ['it is null', 'null'],
    ['it is empty', '{}'],
    ['it names a service twice', '{"mcp-audit":"http://a","mcp-audit":"http://b"}'],
    ['it names a service twice, once escaped', '{"a":"http://a","\\u0061":"http://b"}'],
    ['a name is in upper case', entry('http://a', 'MCP-AUDIT')],
    ['a name holds a slash', entry('http://a', 'a/b')],
    ['a name is __proto__', '{"__proto__":"http://a"}'],
    ['a name is empty', entry('http://a', '')],
    ['a name is too long', entry('http://a', 'a'.repeat(64))],
    ['it names the gateway', entry('http://a', 'mcp-gateway')],
  ]
  for (const [name, text] of rows) {
    test(name, () => {
      const faults = parseDirectory(text, OWN_PORTS)
      assert.ok(Array.isArray(faults))
      assert.match(faults[0] as string, /^MCP_DIRECTORY /)
    })
  }
})

test('names, loopback addresses and ports make a directory', () => {
  const text = JSON.stringify({
    'mcp-audit': 'http://mcp-audit:8000',
    'mcp-policy': 'http://policy.internal.example',
    'mcp-lineage': 'http://127.0.0.1:8081',
    extra: 'http://[::1]:80',
    local: 'http://localhost:8082',
  })
  assert.deepEqual(
    parseDirectory(text, OWN_PORTS),
    new Map([
      ['mcp-audit', 'http://mcp-audit:8000'],
      ['mcp-policy', 'http://policy.internal.example'],
      ['mcp-lineage', 'http://127.0.0.1:8081'],
      ['extra', 'http://[::1]'],
      ['local', 'http://localhost:8082'],
    ]),
  )
})

test('loopback is localhost, 127.0.0.0/8 and ::1, and nothing that looks like it', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])
    assert.ok(isLoopback(host))
  for (const host of [
    '0.0.0.0',
    '128.0.0.1',
    '127.evil.example',
    'localhost.evil.example',
    '::',
    '',
  ]) {
    assert.ok(!isLoopback(host))
  }
})
