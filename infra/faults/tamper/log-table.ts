import { type Place, rehash, restoreSubtrees } from './sql.ts'

/** Who names which entry, null where nobody can: see `Row.named`. */
export interface Named {
  /** Both offline verifiers, given the pinned key and the checkpoints that were kept. */
  offline: number | null
  /** GET /verify of a service that was started after the break. */
  service: number | null
  /** infra/verify-log.sql, which knows of no signature. */
  sql: number | null
}

/** One way to break the log, by a superuser for whom no trigger fires. */
export interface Row {
  name: string
  /** What is done, at a place in the log. */
  sql: (at: Place) => string
  named: (at: Place) => Named
  /** What the offline verifiers say. */
  result?: 'not_verified' | 'in_part' | 'verified'
  /** Only at this place, where elsewhere it makes no sense. */
  only?: 'first' | 'middle' | 'last'
  /** Whether mcp-audit must not sign any more, neither the instance that was running nor a new one. */
  isRefused?: boolean
}

/** Whoever recomputes hashes and links names the entry. */
const everybody = (id: number): Named => ({ offline: id, service: id, sql: id })

const edit = (change: string) => (at: Place) => `UPDATE audit_log SET ${change} WHERE id = ${at.id}`
const FREE = `ALTER TABLE audit_log DROP CONSTRAINT audit_log_erased_as_a_whole;
  ALTER TABLE audit_log DROP CONSTRAINT IF EXISTS audit_log_check;`

/** Each column of an entry, changed in itself. */
const COLUMNS: Record<string, (at: Place) => string> = {
  id: (at) => `UPDATE audit_log SET id = id + 1000000 WHERE id = ${at.id}`,
  created_at: edit("created_at = created_at + interval '1 microsecond'"),
  'created_at, to long ago': edit("created_at = '1970-01-01'"),
  decision: edit('decision = NOT decision'),
  event_type: edit("event_type = event_type || '.x'"),
  subject: edit("subject = 'x'"),
  actor: edit("actor = 'key:1'"),
  'actor, to none': edit('actor = NULL'),
  request_id: edit("request_id = 'x'"),
  details: edit(`details = '{"n":0}'`),
  'details, to other spaces': edit(`details = replace(details, ':', ': ')`),
  details_salt: edit('details_salt = set_bit(details_salt, 9, 1 - get_bit(details_salt, 9))'),
  details_hash: edit("details_hash = sha256('')"),
  'details with their hash': edit(
    `details = '{}', details_hash = audit_details_hash(details_salt, '{}')`,
  ),
  prev_hash: edit("prev_hash = sha256('')"),
  entry_hash: edit("entry_hash = sha256('')"),
  erased_by: (at) => `${FREE} ${edit('erased_by = id + 1')(at)}`,
}

const editRows: Row[] = Object.entries(COLUMNS).map(([column, sql]) => ({
  name: `${column} edited`,
  sql,
  named: (at) => everybody(at.id),
}))

const nulledRows: Row[] = [
  {
    name: 'details nulled',
    sql: (at) => `${FREE} ${edit('details = NULL, details_salt = NULL')(at)}`,
    named: (at) => everybody(at.id),
  },
  {
    name: 'details nulled, the salt left',
    sql: (at) => `${FREE} ${edit('details = NULL')(at)}`,
    named: (at) => everybody(at.id),
  },
  {
    name: 'details nulled in the name of an ordinary entry',
    sql: (at) =>
      `${FREE} ${edit(`details = NULL, details_salt = NULL, erased_by = ${at.other}`)(at)}`,
    named: (at) => everybody(at.id),
    only: 'middle',
  },
  {
    name: 'details nulled in the name of an erasure of others',
    sql: (at) =>
      `${FREE} ${edit(`details = NULL, details_salt = NULL, erased_by = ${at.eraser}`)(at)}`,
    named: (at) => everybody(at.id),
    only: 'first',
  },
  {
    // An export may end before the erasure that accounts for one of its entries; this one says how many it cannot account for.
    name: 'details nulled in the name of an entry to come',
    sql: (at) => edit('details = NULL, details_salt = NULL, erased_by = 1000000')(at),
    named: (at) => ({ ...everybody(at.id), offline: null }),
    result: 'in_part',
  },
  {
    name: 'an erasure taken back: other details put in the place of erased ones',
    sql: ({ erased }) =>
      `UPDATE audit_log SET details = '{}', details_salt = substr(sha256(''), 1, 16), erased_by = NULL
        WHERE id = ${erased}`,
    named: ({ erased }) => everybody(erased),
    only: 'middle',
  },
]

const deleteRows: Row[] = [
  {
    name: 'the first entry deleted',
    sql: () => 'DELETE FROM audit_log WHERE id = 1',
    named: () => everybody(1),
    only: 'first',
  },
  {
    name: 'the first half deleted',
    sql: ({ size }) => `DELETE FROM audit_log WHERE id <= ${Math.floor(size / 2)}`,
    named: () => everybody(1),
    only: 'first',
  },
  {
    name: 'an entry deleted',
    sql: (at) => `DELETE FROM audit_log WHERE id = ${at.id}`,
    named: (at) => everybody(at.id),
    only: 'middle',
  },
  {
    name: 'ten entries deleted',
    sql: (at) => `DELETE FROM audit_log WHERE id BETWEEN ${at.id} AND ${at.id + 9}`,
    named: (at) => everybody(at.id),
    only: 'middle',
  },
  {
    name: 'the last entry deleted',
    sql: ({ size }) => `DELETE FROM audit_log WHERE id = ${size}`,
    named: ({ size }) => ({ offline: size, service: size, sql: null }),
    only: 'last',
    isRefused: true,
  },
  {
    name: 'the end deleted',
    sql: (at) => `DELETE FROM audit_log WHERE id >= ${at.id}; ${restoreSubtrees(at.id)}`,
    named: (at) => ({ offline: at.id, service: at.id, sql: null }),
    only: 'middle',
    isRefused: true,
  },
  {
    name: 'the end deleted and others appended, more than there were',
    sql: (at) =>
      `DELETE FROM audit_log WHERE id >= ${at.id}; ${restoreSubtrees(at.id)} ${append(at.size)}`,
    named: (at) => ({ offline: at.afterCheckpoint, service: 1, sql: null }),
    only: 'middle',
    isRefused: true,
  },
  {
    name: 'TRUNCATE',
    sql: () => 'TRUNCATE audit_log, audit_subtrees CASCADE',
    named: () => ({ offline: 1, service: 1, sql: null }),
    only: 'first',
    isRefused: true,
  },
]

/** Ordinary entries, by the function that services call. */
export function append(count: number): string {
  const array = (text: string, type: string) => `array_fill(${text}::${type}, ARRAY[${count}])`
  return `SELECT count(*) FROM audit_append(${array("'other'", 'text')}, ${array("'s'", 'text')},
    ${array('true', 'boolean')}, ${array("'{}'", 'text')}, ${array("substr(sha256(''), 1, 16)", 'bytea')},
    ${array('NULL', 'text')}, ${array('NULL', 'text')}, ${array('NULL', 'text')});`
}

/** A row like that at the place, `offset` behind it, about something else and with hashes that fit. */
const forged = (at: Place, offset: 0 | 1) =>
  `INSERT INTO audit_log (id, created_at, decision, event_type, subject, details, details_salt, details_hash,
                          prev_hash, entry_hash)
   SELECT ${at.id}, created_at, true, 'forged', 's', '{}', details_salt, audit_details_hash(details_salt, '{}'),
          prev_hash, audit_entry_hash(prev_hash, ${at.id}, unix_microseconds(created_at),
            audit_event_hash('forged', 's', true, audit_details_hash(details_salt, '{}'), NULL, NULL))
     FROM audit_log WHERE id = ${at.id + offset};`
/** Makes room for one more entry at the place. */
const shift = (at: Place) =>
  `UPDATE audit_log SET id = id + 1000000 WHERE id >= ${at.id};
   UPDATE audit_log SET id = id - 999999 WHERE id > 1000000;`

const orderRows: Row[] = [
  {
    name: 'two neighbours swapped',
    sql: (at) => swap(at.id, at.id + 1),
    named: (at) => everybody(at.id),
    only: 'middle',
  },
  {
    name: 'two entries swapped',
    sql: (at) => swap(at.id, at.other),
    named: (at) => everybody(at.id),
    only: 'middle',
  },
  {
    name: 'the contents of two entries swapped',
    sql: (
      at,
    ) => `UPDATE audit_log AS a SET subject = b.subject, details = b.details, details_salt = b.details_salt,
        details_hash = b.details_hash, request_id = b.request_id
        FROM audit_log AS b WHERE (a.id, b.id) IN ((${at.id}, ${at.other}), (${at.other}, ${at.id}))`,
    named: (at) => everybody(at.id),
    only: 'middle',
  },
  {
    // The forged one fits what is before it: the one behind it does not any more.
    name: 'an entry inserted, the others moved up',
    sql: (at) => `${shift(at)} ${forged(at, 1)}`,
    named: (at) => everybody(at.id + 1),
    only: 'middle',
    isRefused: true,
  },
  {
    name: 'a second entry at one position',
    sql: (at) => `ALTER TABLE audit_log DROP CONSTRAINT audit_log_pkey CASCADE; ${forged(at, 0)}`,
    named: (at) => everybody(at.id + 1),
    only: 'middle',
  },
]

function swap(one: number, other: number): string {
  return `UPDATE audit_log SET id = 1000000 WHERE id = ${one};
    UPDATE audit_log SET id = ${one} WHERE id = ${other};
    UPDATE audit_log SET id = ${other} WHERE id = 1000000`
}

const rewriteRows: Row[] = [
  {
    name: 'everything from here rewritten, with all hashes and subtrees',
    sql: (at) => `${edit("subject = 'x'")(at)}; ${rehash(at.id)} ${restoreSubtrees(at.id)}`,
    named: (at) => ({ offline: at.afterCheckpoint, service: 1, sql: null }),
    isRefused: true,
  },
  {
    name: 'everything from here rewritten, one entry inserted',
    sql: (at) => `${shift(at)} ${forged(at, 1)} ${rehash(at.id)} ${restoreSubtrees(at.id)}`,
    named: (at) => ({ offline: at.afterCheckpoint, service: 1, sql: null }),
    only: 'middle',
    isRefused: true,
  },
  {
    name: 'everything from here rewritten, one entry left out',
    sql: (at) => `DELETE FROM audit_log WHERE id = ${at.id};
      UPDATE audit_log SET id = id + 1000000 WHERE id > ${at.id};
      UPDATE audit_log SET id = id - 1000001 WHERE id > 1000000;
      ${rehash(at.id)} ${restoreSubtrees(at.id)}`,
    named: (at) => ({ offline: at.afterCheckpoint, service: at.size, sql: null }),
    only: 'middle',
    isRefused: true,
  },
]

/** What it looks like where nothing is wrong, and where nothing that was signed is. */
const cleanRows: Row[] = [
  {
    name: 'nothing done: no alarm',
    sql: () => 'SELECT 1',
    named: () => ({ offline: null, service: null, sql: null }),
    result: 'verified',
    only: 'middle',
  },
  {
    // The limit of all of it: what no checkpoint covers yet is not shown by one.
    name: 'an entry appended, and deleted before anything was signed: no alarm',
    sql: ({ size }) => `${append(1)} DELETE FROM audit_log WHERE id > ${size}`,
    named: () => ({ offline: null, service: null, sql: null }),
    result: 'verified',
    only: 'last',
  },
]

/** The tamper table: the rows about entries. */
export const LOG_ROWS: readonly Row[] = [
  ...editRows,
  ...nulledRows,
  ...deleteRows,
  ...orderRows,
  ...rewriteRows,
  ...cleanRows,
]
