import { readFileSync } from 'node:fs'

/** The entry of a log as the vectors hold it: `details` is canonical text, times also in microseconds. */
export interface EntryVector {
  id: number
  created_at_us: number
  created_at: string
  event_type: string
  subject: string
  decision: boolean
  details: string
  details_salt: string
  actor: string | null
  request_id: string | null
  prev_hash: string
  details_hash: string
  event_hash: string
  entry_hash: string
}

/** A file of docs/vectors. */
export function readVectors<T>(name: string): T {
  const url = new URL(`../../../docs/vectors/${name}`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')) as T
}
