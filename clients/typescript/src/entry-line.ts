import { JsonTextError, membersOf } from './json-text.ts'
import { NOT_JSON } from './lines.ts'
import { parseWireTime } from './timestamps.ts'

/** An entry as it stands in a line of an export, every member of its right type. */
export interface EntryLine {
  id: number
  event_type: string
  subject: string
  decision: boolean
  /** The text of the details exactly as it stands in the line; null once erased. */
  details: string | null
  /** Whether that text is known to be canonical JSON; false where nobody has looked yet. */
  isCanonical: boolean
  details_salt: string | null
  details_hash: string
  actor: string | null
  request_id: string | null
  /** Microseconds since the Unix epoch. */
  created_at: bigint
  prev_hash: string
  entry_hash: string
  /** The entry that accounts for the erasure; null where nothing was erased. */
  erased_by: number | null
}

/** What a line holds: the text of the value of each member of its object, or why it is no such line. */
export type LineMembers = { members: Map<string, string> } | { fault: string }

/** Takes a line apart without believing it. `line` is attacker-controlled. */
export function readMembers(line: string): LineMembers {
  try {
    const spans = membersOf(line)
    return {
      members: new Map([...spans].map(([name, { start, end }]) => [name, line.slice(start, end)])),
    }
  } catch (error) {
    if (error instanceof JsonTextError) return { fault: error.rule ?? NOT_JSON }
    throw error
  }
}

/** The id that a line begins with, though the rest of it may not be readable; else null. */
export function claimedId(line: string): number | null {
  return integer(/^\{"id":([0-9]+),/.exec(line)?.[1])
}

/** What a member must be: a test of the text of its value, and the same in words. */
interface Kind {
  fits: (token: string) => boolean
  what: string
}

const isNull = (token: string) => token === 'null'
const isText = (token: string) => token.startsWith('"')
const matches = (pattern: RegExp) => (token: string) => pattern.test(string(token) ?? '')
const isSalt = matches(/^[0-9a-f]{32}$/)

const POSITION: Kind = { fits: (token) => integer(token) !== null, what: 'a position in the log' }
const TEXT: Kind = { fits: isText, what: 'a text' }
const HASH: Kind = { fits: matches(/^[0-9a-f]{64}$/), what: '64 lower-case hex digits' }
export const TEXT_OR_NULL: Kind = {
  fits: (token) => isNull(token) || isText(token),
  what: 'a text or null',
}
const ENTRY_MEMBERS: Readonly<Record<string, Kind>> = {
  id: POSITION,
  event_type: TEXT,
  subject: TEXT,
  actor: TEXT_OR_NULL,
  request_id: TEXT_OR_NULL,
  decision: { fits: (token) => token === 'true' || token === 'false', what: 'true or false' },
  created_at: {
    fits: (token) => parseWireTime(string(token) ?? '') !== null,
    what: 'a time in UTC with six decimals',
  },
  details: { fits: (token) => isNull(token) || token.startsWith('{'), what: 'an object' },
  details_salt: {
    fits: (token) => isNull(token) || isSalt(token),
    what: '32 lower-case hex digits',
  },
  details_hash: HASH,
  prev_hash: HASH,
  entry_hash: HASH,
}
const ERASED_ENTRY_MEMBERS: typeof ENTRY_MEMBERS = {
  ...ENTRY_MEMBERS,
  erased: { fits: (token) => token === 'true', what: 'true' },
  erased_by: POSITION,
}

/** The entry of a line, or the first thing that keeps it from being one. */
export function readEntry(members: Map<string, string>): EntryLine | { fault: string } {
  const isErased = members.has('erased')
  const kinds = isErased ? ERASED_ENTRY_MEMBERS : ENTRY_MEMBERS
  const names = Object.keys(kinds)
  if (members.size !== names.length || !names.every((name) => members.has(name))) {
    return { fault: 'an entry does not have exactly the members of the format' }
  }
  const token = (name: string) => members.get(name) as string
  for (const [name, { fits, what }] of Object.entries(kinds)) {
    if (!fits(token(name))) return { fault: `${name} is not ${what}` }
  }
  const text = (name: string) => string(token(name)) as string
  return {
    id: integer(token('id')) as number,
    event_type: text('event_type'),
    subject: text('subject'),
    decision: token('decision') === 'true',
    details: isNull(token('details')) ? null : token('details'),
    isCanonical: false,
    details_salt: string(token('details_salt')),
    details_hash: text('details_hash'),
    actor: string(token('actor')),
    request_id: string(token('request_id')),
    created_at: parseWireTime(text('created_at')) as bigint,
    prev_hash: text('prev_hash'),
    entry_hash: text('entry_hash'),
    erased_by: isErased ? integer(token('erased_by')) : null,
  }
}

/** The text that a JSON token says; null if it is no string. The token is known to be valid JSON. */
export function string(token: string): string | null {
  return token.startsWith('"') ? (JSON.parse(token) as string) : null
}

/** The id that a JSON token says, 1 to 2^53−1 in plain decimal; else null. */
export function integer(token: string | undefined): number | null {
  if (token === undefined || !/^[1-9][0-9]{0,15}$/.test(token)) return null
  const value = Number(token)
  return Number.isSafeInteger(value) ? value : null
}
