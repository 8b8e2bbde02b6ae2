import { hunts } from './broken/hunt.ts'
import { COMPOSE_ROWS } from './compose/rows.ts'
import { diskScenario } from './disk-full.ts'
import { lockDrill, stopDrill } from './drills.ts'
import { kill, killPostgres, type ServiceName, stop } from './faults.ts'
import { restoreScenario } from './restore.ts'
import { type Row, row } from './row.ts'
import {
  campaignScenario,
  cleanScenario,
  erasureScenario,
  gateScenario,
  hungScenario,
  replicaScenario,
  slowScenario,
  tamperScenario,
  troubleScenario,
} from './scenarios.ts'
import { sessionFindings, terminateSessions } from './sessions.ts'
import { standbyScenario } from './standby/scenario.ts'

const KILLED: readonly ServiceName[] = ['mcp-audit', 'mcp-gateway', 'mcp-policy', 'mcp-lineage']
const KILLS = {
  shows: 'I1 to I7; healthy within 10 s',
  full: { clients: 64, kills: 50 },
  quick: { clients: 64, kills: 1 },
}

function killRow(name: ServiceName, what: string, focus?: 'gate' | 'register'): Row {
  return row({
    ...KILLS,
    name: `kill-${name.slice('mcp-'.length)}`,
    does: `SIGKILL of ${name} under load${what}`,
    hasLoad: true,
    run: (setting, { clients, kills }) =>
      campaignScenario(setting, {
        clients,
        faults: [[kill(name), kills]],
        ...(focus && { focus }),
      }),
  })
}

/** Of a light load at a constant rate, so that it is not the load that makes others slow. */
const LIGHT = 'its load is a light one at a constant rate, whose answers are timed'
const TIMED = { I1: LIGHT, I3: LIGHT, I4: LIGHT, I5: LIGHT, I7: LIGHT }

/** Every row, in the order in which they run: those of the log under load first. */
export const ROWS: readonly Row[] = [
  killRow('mcp-audit', ''),
  killRow('mcp-gateway', ''),
  killRow('mcp-policy', ', half of which asks the gate', 'gate'),
  killRow('mcp-lineage', ', half of which registers under a key', 'register'),
  row({
    name: 'sigterm',
    does: 'SIGTERM of each service under load',
    shows: 'what is under way is answered, exit code 0, healthy again within 10 s',
    full: { clients: 64, sigterms: 5 },
    quick: { clients: 64, sigterms: 1 },
    hasLoad: true,
    run: (setting, { clients, sigterms }) =>
      campaignScenario(setting, {
        clients,
        faults: KILLED.map((name) => [stop(name), sigterms] as const),
      }),
  }),
  row({
    name: 'kill-postgres',
    does: 'SIGKILL of every PostgreSQL process under load',
    shows: 'I1 to I7; acknowledges again within 15 s; no service ends',
    full: { clients: 64, kills: 30 },
    quick: { clients: 64, kills: 1 },
    hasLoad: true,
    run: (setting, { clients, kills }) =>
      campaignScenario(setting, { clients, faults: [[killPostgres, kills]], endsNone: true }),
  }),
  row({
    name: 'sessions',
    does: 'pg_terminate_backend of sessions that idle, work and commit',
    shows: 'I1 to I7; no service ends',
    full: { clients: 64, terminations: 500 },
    quick: { clients: 64, terminations: 12 },
    hasLoad: true,
    async run(setting, { clients, terminations }) {
      const sessions = terminateSessions(setting.random.derive('sessions'))
      const faults = [[sessions.fault, terminations]] as const
      const findings = await campaignScenario(setting, { clients, endsNone: true, faults })
      return [...sessionFindings(sessions, setting.isTimed), ...findings]
    },
  }),
  row({
    name: 'stopped',
    does: 'PostgreSQL is stopped for a while',
    shows: '503 with Retry-After, p99 2 s; /healthz 200; /readyz 503 within 5 s',
    full: { clients: 64, seconds: 20 },
    quick: { clients: 64, seconds: 3 },
    hasLoad: true,
    run: (setting, counts) => troubleScenario(setting, stopDrill, counts),
  }),
  row({
    name: 'lock',
    does: 'LOCK TABLE audit_log is held',
    shows: '503, p99 3 s; 50 MiB more memory at most; back to 95 % of the rate within 5 s',
    full: { clients: 200, seconds: 30 },
    quick: { clients: 200, seconds: 3 },
    hasLoad: true,
    run: (setting, counts) => troubleScenario(setting, lockDrill, counts),
  }),
  row({
    name: 'slow',
    does: 'clients that send byte by byte or never read, and slow readers of exports',
    shows: "others' p99 at most doubles; the stuck end within 20 s; 100 MiB more memory at most",
    full: { clients: 500, readers: 200, entries: 20_000, seconds: 20 },
    quick: null,
    hasLoad: true,
    unjudged: TIMED,
    run: slowScenario,
  }),
  row({
    name: 'hung',
    does: 'mcp-policy stops in the midst of its work',
    shows:
      "its callers have 504, or 503 for want of a place, within 11 s; others' p99 grows by half at most",
    full: { seconds: 20 },
    quick: null,
    hasLoad: true,
    unjudged: TIMED,
    run: hungScenario,
  }),
  row({
    name: 'replicas',
    does: 'two mcp-audit and two gateways, requests sent again, twice or given up, replicas killed',
    shows: 'no fork, no break, one entry a key; I1 to I7',
    full: { clients: 64, appends: 50_000, retries: 0.2, kills: 8 },
    quick: { clients: 64, appends: 1_500, retries: 0.2, kills: 2 },
    hasLoad: true,
    run: (setting, counts) => replicaScenario(setting, counts),
  }),
  row({
    name: 'gate',
    does: 'what the gate needs is killed, stopped and made to hang, and it itself is killed',
    shows: 'no decision without its entry, one entry a key',
    full: { clients: 64, calls: 10_000, strikes: 28 },
    quick: null,
    hasLoad: true,
    run: gateScenario,
  }),
  row({
    name: 'standby',
    does: 'two PostgreSQL servers: the standby is promoted under load, too early, and too late',
    shows:
      'synchronous: I1 to I7; a fork and a lost end: the signer refuses, both verifiers name the entry',
    full: { clients: 64, promotions: 5, acknowledged: 500, betweenMs: 1_000 },
    // npm test runs all of it, with one promotion.
    quick: null,
    hasLoad: true,
    run: standbyScenario,
  }),
  row({
    name: 'tamper',
    does: 'edits, deletes, reorders, inserts, rewrites and truncates as a superuser',
    shows:
      'every verifier names the first bad entry; nothing is signed that contradicts a checkpoint',
    full: { entries: 1_300, everywhere: 1 },
    // npm test runs every row of these tables once.
    quick: null,
    hasLoad: false,
    run: (setting, { entries, everywhere }) =>
      tamperScenario(setting, {
        entries: Math.max(700, entries),
        everywhere: everywhere !== 0,
        only: setting.only,
      }),
  }),
  row({
    name: 'restore',
    does: 'a backup is restored, to which the log had gone on',
    shows: 'the restored chain verifies; the signer refuses it, and so does a later checkpoint',
    full: { entries: 1_000 },
    quick: { entries: 100 },
    hasLoad: false,
    run: restoreScenario,
  }),
  row({
    name: 'disk-full',
    does: 'the data volume is full for a while, under load',
    shows: 'writes 503, reads 200; recovers when freed; I1 to I7',
    full: { clients: 64, times: 3, seconds: 10, mebibytes: 512 },
    quick: { clients: 64, times: 1, seconds: 3, mebibytes: 512 },
    hasLoad: true,
    run: diskScenario,
  }),
  row({
    name: 'erasure',
    does: 'erases details and looks for their text everywhere',
    shows: 'no reader, table or log has it; both verifiers stay green',
    full: {},
    // npm test does all of it.
    quick: null,
    hasLoad: false,
    run: erasureScenario,
  }),
  row({
    name: 'clean',
    does: 'a large log in which nothing is wrong',
    shows: 'no alarm',
    full: { entries: 1_000_000 },
    quick: { entries: 20_000 },
    hasLoad: false,
    run: (setting, { entries }) => cleanScenario(setting, entries),
  }),
  row({
    name: 'broken',
    does: 'the same over builds that are broken on purpose',
    shows: 'I8: each of them is found',
    full: { all: 1 },
    quick: { all: 0 },
    hasLoad: false,
    run: hunts,
  }),
  ...COMPOSE_ROWS,
]
