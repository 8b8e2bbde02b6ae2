import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Client } from 'pg'
import { checkLog } from '../test-support/check-log.ts'
import { createTestDatabase, type TestDatabase } from '../test-support/database.ts'

const APPEND = `SELECT * FROM audit_append(ARRAY['a'], ARRAY['s'], ARRAY[true], ARRAY['{}'],
  ARRAY['\\x00112233445566778899aabbccddeeff'::bytea], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL])`
const REGISTER = `SELECT * FROM lineage_register('[{"model_id":"m","version":"1","created_by":"ann",
  "artifacts":["sha256:aa"],"parents":"[]","metadata":"{}","salt":"\\\\x00112233445566778899aabbccddeeff"}]')`
/** The function behind it, which takes no keys and asks not who may write which type. */
const UNCHECKED = APPEND.replace('audit_append', 'audit_append_unchecked').replace(
  /, ARRAY\[NULL\]\)$/,
  ')',
)
/** Each table and a column of it. */
const TABLES = {
  audit_log: 'id',
  audit_subtrees: 'root',
  audit_idempotency: 'key',
  audit_holds: 'id',
  audit_cosignatures: 'line',
  model_lineage: 'id',
  lineage_latest: 'record_id',
}
const DENIED = '42501' // insufficient_privilege

let database: TestDatabase
let clients: Record<'audit' | 'lineage' | 'owner', Client>
before(async () => {
  database = await createTestDatabase()
  clients = {
    audit: new Client({ connectionString: database.auditUrl }),
    lineage: new Client({ connectionString: database.lineageUrl }),
    owner: new Client({ connectionString: database.ownerUrl }),
  }
  for (const client of Object.values(clients)) await client.connect()
  await clients.audit.query(APPEND)
  await clients.lineage.query(REGISTER)
  await clients.owner.query(
    `INSERT INTO audit_subtrees VALUES (0, sha256(''));
     INSERT INTO audit_holds (id, subject, audit_id) VALUES (1, 's', 1);
     INSERT INTO audit_cosignatures VALUES (2, sha256(''), 'o', 'w', '— w x', now())`,
  )
})
after(async () => {
  for (const client of Object.values(clients)) await client.end()
  await database.drop()
})
beforeEach(async () => {
  assert.equal(await checkLog(database.ownerUrl), 2)
})

const refused = (client: Client, sql: string, code = DENIED) =>
  assert.rejects(client.query(sql), (error: Error & { code?: string }) => error.code === code, sql)

for (const login of ['audit', 'lineage'] as const) {
  describe(`${login}_service`, () => {
    for (const [table, column] of Object.entries(TABLES)) {
      for (const sql of [
        `INSERT INTO ${table} SELECT * FROM ${table}`,
        `UPDATE ${table} SET ${column} = ${column}`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table} CASCADE`,
        `DROP TABLE ${table} CASCADE`,
        `ALTER TABLE ${table} DISABLE TRIGGER ALL`,
        `ALTER TABLE ${table} ADD COLUMN more text`,
        `CREATE INDEX ON ${table} (${column})`,
        `DO $$ BEGIN LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE; END $$`,
        `COPY ${table} FROM STDIN`,
        `CREATE TRIGGER t BEFORE INSERT ON ${table} EXECUTE FUNCTION refuse_change()`,
      ]) {
        test(`cannot ${sql}`, () => refused(clients[login], sql))
      }
    }

    for (const sql of [
      'SELECT audit_lock()',
      UNCHECKED,
      'SELECT audit_store_subtrees(1)',
      "SELECT audit_attest('audit.x', 's', '{}', '\\x00', NULL, NULL)",
      ...(login === 'audit'
        ? [REGISTER]
        : [
            APPEND,
            'SELECT audit_prune_keys()',
            "SELECT audit_erase_details(1, 'r', 'l', '\\x00', NULL, NULL)",
            "SELECT audit_release(1, 'r', '\\x00', NULL, NULL)",
          ]),
      'CREATE OR REPLACE FUNCTION audit_lock() RETURNS void LANGUAGE sql AS $$ $$',
      'DROP FUNCTION audit_append',
      'ALTER FUNCTION audit_append SECURITY INVOKER',
      'CREATE TABLE mine (id int)',
      'CREATE SCHEMA mine',
      'CREATE TEMPORARY TABLE audit_log (id int)',
      'SET ROLE governance_tables',
      'SET SESSION AUTHORIZATION governance',
      'ALTER ROLE CURRENT_USER SUPERUSER',
      "SET session_replication_role = 'replica'",
      "COPY (SELECT 1) TO PROGRAM 'true'",
      "SELECT pg_read_file('postgresql.conf')",
      'ALTER SYSTEM SET fsync = off',
    ]) {
      test(`cannot ${sql.replace(/\s+/g, ' ').slice(0, 70)}`, () => refused(clients[login], sql))
    }
  })
}

test('a login sees no table of the other service', async () => {
  await refused(clients.audit, 'SELECT * FROM model_lineage')
  await refused(clients.lineage, 'SELECT id FROM audit_log')
  const { rows } = await clients.lineage.query('SELECT DISTINCT event_type FROM lineage_entries')
  assert.deepEqual(rows, [{ event_type: 'lineage.registered' }])
})

test('audit_append refuses the event types that attest a change of their own', async () => {
  for (const type of ['lineage.registered', 'audit.details_erased', 'lineage.', 'audit.x']) {
    await refused(clients.audit, APPEND.replace("ARRAY['a']", `ARRAY['${type}']`))
  }
})

test('a temporary table does not divert the function, even for a login that may make one', async () => {
  await clients.owner.query(
    `DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO audit_service', current_database()); END $$`,
  )
  const attacker = new Client({ connectionString: database.auditUrl })
  await attacker.connect()
  try {
    await attacker.query('BEGIN')
    await attacker.query('CREATE TEMPORARY TABLE audit_log (LIKE public.audit_log)')
    await attacker.query(
      'CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT $1 $$',
    )
    await attacker.query('SET LOCAL search_path = pg_temp, public')
    await attacker.query(APPEND.replace('audit_append', 'public.audit_append'))
    const { rows } = await attacker.query(
      'SELECT (SELECT count(*)::int FROM pg_temp.audit_log) AS diverted, (SELECT count(*)::int FROM public.audit_log) AS kept',
    )
    assert.deepEqual(rows[0], { diverted: 0, kept: 3 })
  } finally {
    await attacker.query('ROLLBACK')
    await attacker.end()
  }
})

test('not even the owner changes an entry by accident', async () => {
  for (const sql of [
    "UPDATE audit_log SET subject = 'x' WHERE id = 1",
    'DELETE FROM audit_log',
    'TRUNCATE audit_log CASCADE',
    "UPDATE model_lineage SET created_by = 'x'",
    'DELETE FROM model_lineage',
    'TRUNCATE model_lineage',
    'UPDATE lineage_latest SET record_id = record_id - 1',
    "UPDATE lineage_latest SET model_id = 'x'",
    'DELETE FROM lineage_latest',
    'TRUNCATE lineage_latest',
    "UPDATE audit_subtrees SET root = sha256('x')",
    'DELETE FROM audit_subtrees',
    'TRUNCATE audit_subtrees',
    "UPDATE audit_holds SET subject = 'x'",
    'DELETE FROM audit_holds',
    'TRUNCATE audit_holds',
    "UPDATE audit_cosignatures SET line = '— x'",
    'DELETE FROM audit_cosignatures',
    'TRUNCATE audit_cosignatures',
    // An erasure that changes something else, and one of an entry of the product itself.
    "UPDATE audit_log SET details = NULL, details_salt = NULL, erased_by = 2, subject = 'x' WHERE id = 1",
    'UPDATE audit_log SET details = NULL, details_salt = NULL, erased_by = 3 WHERE id = 2',
  ]) {
    await refused(clients.owner, sql)
  }
})

test('a row that does not continue the log is refused: gap, fork and foreign link', async () => {
  const insert = (id: number, prev: string) =>
    `INSERT INTO audit_log (id, created_at, decision, event_type, subject, details, details_salt,
                            details_hash, prev_hash, entry_hash)
     SELECT ${id}, now(), true, 'a', 's', '{}', details_salt, details_hash, ${prev}, sha256('x')
       FROM audit_log WHERE id = 1`
  const head = '(SELECT entry_hash FROM audit_log WHERE id = 2)'
  await refused(clients.owner, insert(4, head), '23000')
  await refused(clients.owner, insert(3, "sha256('other')"), '23000')
  await refused(clients.owner, insert(2, 'entry_hash'), '23505')
})

test('a batch of arrays that do not fit each other is refused', async () => {
  for (const [from, to] of [
    ["ARRAY['a']", "ARRAY['a', 'b']"],
    ["ARRAY['s']", 'NULL'],
    ['ARRAY[true]', 'ARRAY[]::boolean[]'],
    ['ARRAY[NULL], ARRAY[NULL], ARRAY[NULL]', 'ARRAY[NULL], NULL, ARRAY[NULL]'],
  ] as const) {
    await refused(clients.audit, APPEND.replace(from, to), '22023')
  }
})

test('details that would break the lines of an export are refused', async () => {
  for (const details of ['{\n}', '{"a":1,"a":2}', '[]', '{', '"text"', '{"a":\t1}']) {
    await refused(clients.audit, APPEND.replace("'{}'", `E'${details}'`), '23514')
  }
})

test('the log is not written under a snapshot older than the lock', async () => {
  for (const level of ['REPEATABLE READ', 'SERIALIZABLE']) {
    await clients.audit.query(`BEGIN ISOLATION LEVEL ${level}`)
    await refused(clients.audit, APPEND, '25000')
    await clients.audit.query('ROLLBACK')
  }
})

test('an append is flushed before it is acknowledged, whatever the session asked for', async () => {
  await clients.audit.query('BEGIN')
  await clients.audit.query('SET LOCAL synchronous_commit = off')
  await clients.audit.query(APPEND)
  const { rows } = await clients.audit.query('SHOW synchronous_commit')
  await clients.audit.query('ROLLBACK')
  assert.equal(rows[0].synchronous_commit, 'on')
})

test('nobody logs in as the owner of the tables, and no service is more than a login', async () => {
  const { rows } = await clients.owner.query(
    `SELECT rolname, rolcanlogin, rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication AS more
       FROM pg_roles WHERE rolname IN ('governance_tables', 'audit_service', 'lineage_service') ORDER BY 1`,
  )
  assert.deepEqual(rows, [
    { rolname: 'audit_service', rolcanlogin: true, more: false },
    { rolname: 'governance_tables', rolcanlogin: false, more: false },
    { rolname: 'lineage_service', rolcanlogin: true, more: false },
  ])
})

test('what each login may do is exactly this', async () => {
  const { rows } = await clients.owner.query(
    `SELECT r.rolname || ': ' || p.proname AS may
       FROM pg_roles AS r, pg_proc AS p
      WHERE r.rolname IN ('audit_service', 'lineage_service') AND p.pronamespace = 'public'::regnamespace
        AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
     UNION ALL
     SELECT r.rolname || ': ' || lower(kind) || ' ' || c.relname
       FROM pg_roles AS r, pg_class AS c,
            unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) AS kind
      WHERE r.rolname IN ('audit_service', 'lineage_service') AND c.relkind IN ('r', 'v', 'm')
        AND c.relnamespace = 'public'::regnamespace AND has_table_privilege(r.oid, c.oid, kind)
     ORDER BY may`,
  )
  assert.deepEqual(
    rows.map((row) => row.may),
    [
      'audit_service: audit_append',
      'audit_service: audit_append_batch',
      'audit_service: audit_erase_details',
      'audit_service: audit_hold',
      'audit_service: audit_known_key',
      'audit_service: audit_last_id_before',
      'audit_service: audit_prune_keys',
      'audit_service: audit_release',
      'audit_service: audit_retain',
      'audit_service: audit_store_cosignature',
      'audit_service: select audit_cosignatures',
      'audit_service: select audit_holds',
      'audit_service: select audit_log',
      'audit_service: select audit_subtrees',
      'audit_service: unix_microseconds',
      'lineage_service: lineage_last_id_at',
      'lineage_service: lineage_register',
      'lineage_service: select lineage_entries',
      'lineage_service: select lineage_latest',
      'lineage_service: select model_lineage',
      'lineage_service: unix_microseconds',
    ],
  )
})

test('every table carries a comment', async () => {
  const { rows } = await clients.owner.query(
    `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname <> 'schema_migrations' /* the runner's own */ AND obj_description(oid, 'pg_class') IS NULL`,
  )
  assert.deepEqual(rows, [])
})
