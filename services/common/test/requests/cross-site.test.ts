import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crossSiteFault, type PageHeaders } from '../../src/requests/cross-site.ts'

const isKnown = (host: string) => host === '127.0.0.1:8080' || host === 'gov.example.org'

const foreign: PageHeaders[] = [
  { origin: 'https://evil.example' },
  { origin: 'http://127.0.0.1' },
  { origin: 'http://127.0.0.1:8081' },
  { origin: 'http://127.0.0.1:8080.evil.example' },
  { origin: 'http://127.0.0.1:8080/' },
  { origin: 'http://127.0.0.1:8080, http://evil.example' },
  { origin: 'http://gov.example.org, http://gov.example.org' },
  { origin: 'null' },
  { origin: '' },
  { origin: '127.0.0.1:8080' },
  { origin: 'file://127.0.0.1:8080' },
  { origin: 'ftp://127.0.0.1:8080' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-origin, cross-site' },
  { origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'cross-site' },
  { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
]
for (const headers of foreign) {
  test(`${JSON.stringify(headers)} is a page of another site`, () => {
    assert.equal(crossSiteFault(headers, isKnown)?.code, 'cross_site_request')
  })
}

const own: PageHeaders[] = [
  {},
  { origin: 'http://127.0.0.1:8080' },
  { origin: 'https://gov.example.org', 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-site': 'none' },
  { 'sec-fetch-site': 'same-site' },
]
for (const headers of own) {
  test(`${JSON.stringify(headers)} is not`, () => {
    assert.equal(crossSiteFault(headers, isKnown), null)
  })
}
