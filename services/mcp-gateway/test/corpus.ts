import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the gateway has to do with a request. */
export interface Expected {
  /** 0: the connection is closed without an answer. */
  status: number
  /** Of a refusal, and of an answer of a service that is one. */
  code?: string
  /** The methods that `Allow` names. */
  allow?: string
  /** The connection ends with the answer. It is used again where this is not said. */
  closes?: boolean
  /** `100 Continue` comes first. */
  continues?: boolean
}

/** One request of the corpus, ready to be sent to a port. */
export interface Sample {
  class: string
  what: string
  /** What to send to a gateway on a port of 127.0.0.1. */
  bytes(port: number): Buffer
  /** The sender closes its side behind the bytes. */
  ends: boolean
  /** A service gets to see it, once (probes are not counted). `expect` then says what the real service answers. */
  reaches: boolean
  expect: Expected
}

interface Entry {
  class: string
  what: string
  expect: Expected
  reaches?: boolean
}
interface TargetEntry extends Entry {
  method?: string
  target: string
}
interface RawEntry extends Entry {
  bytes: string
  ends?: boolean
}
interface BodyEntry extends Entry {
  target?: string
  type?: string | null
  headers?: string[]
  body: string
  encoding?: 'base64'
}

/**
 * Every request of `corpus/*.json`. Their texts are Latin-1, one character a byte (bodies: UTF-8, or base64
 * where they say so); `{{host}}` and `{{port}}` stand for the gateway's, and `{{text*3}}` for `text` three times.
 */
export function readCorpus(): Sample[] {
  const targets = read<TargetEntry>('targets').map((entry) =>
    sample(entry, (port) => {
      const head = `${entry.method ?? 'GET'} ${entry.target} HTTP/1.1\r\nHost: {{host}}\r\n\r\n`
      return Buffer.from(expand(head, port), 'latin1')
    }),
  )
  const raw = read<RawEntry>('raw-requests').map((entry) =>
    sample(entry, (port) => Buffer.from(expand(entry.bytes, port), 'latin1'), entry.ends),
  )
  const bodies = read<BodyEntry>('bodies').map((entry) =>
    sample(entry, (port) => {
      const { target = '/mcp-audit/log', type = 'application/json', headers = [] } = entry
      const body = Buffer.from(
        entry.encoding ? entry.body : expand(entry.body, port),
        entry.encoding,
      )
      const lines = [`POST ${target} HTTP/1.1`, `Host: ${hostAt(port)}`, ...headers]
      if (type !== null) lines.push(`Content-Type: ${type}`)
      lines.push(`Content-Length: ${body.length}`, '', '')
      return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body])
    }),
  )
  return [...targets, ...raw, ...bodies]
}

function read<E extends Entry>(name: string): E[] {
  const file = join(import.meta.dirname, 'corpus', `${name}.json`)
  const entries = JSON.parse(readFileSync(file, 'utf8')) as E[]
  return entries.map((entry) => ({ ...entry, class: `${name}: ${entry.class}` }))
}

function sample(entry: Entry, bytes: Sample['bytes'], ends = false): Sample {
  const { what, reaches = false, expect } = entry
  return { class: entry.class, what, bytes, ends, reaches, expect }
}

function hostAt(port: number): string {
  return `127.0.0.1:${port}`
}

function expand(text: string, port: number): string {
  return text
    .replaceAll('{{host}}', hostAt(port))
    .replaceAll('{{port}}', String(port))
    .replace(/\{\{([\s\S]+?)\*(\d+)\}\}/g, (_, repeated: string, times: string) =>
      repeated.repeat(Number(times)),
    )
}

/** The samples by class, in order. */
export function byClass(samples: Sample[]): Map<string, Sample[]> {
  return Map.groupBy(samples, (one) => one.class)
}
