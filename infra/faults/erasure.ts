import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join, relative } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Finding } from './findings.ts'
import { verifyOffline } from './offline.ts'
import type { Random } from './random.ts'
import { asOwner } from './server.ts'
import type { World } from './world.ts'

/** A text that stands nowhere else. */
const marker = (name: string, random: Random) => `${name}-${random.hex(32)}`

/** What is put into details, each in its own way: in the row, beside it, and many at once. */
function makeMarkers(random: Random) {
  return {
    small: marker('small', random),
    large: marker('large', random),
    many: marker('many', random),
    held: marker('held', random),
  }
}
type Markers = ReturnType<typeof makeMarkers>

/** Texts of exports and pages that readers get. */
const READS = [
  '/export?fmt=ndjson',
  '/export?fmt=json',
  '/export?fmt=csv',
  '/events?limit=1000',
  '/events/11',
  '/events?event_type=personal.data',
]

/**
 * Erases details by the endpoints and looks for their text everywhere where it was: what readers get, the files of the
 * database after `VACUUM FULL`, and what all processes have logged. The world needs a gateway.
 */
export async function erasureDrill(
  world: World,
  folder: string,
  random: Random,
): Promise<Finding[]> {
  const base = `${world.gateway?.url}/mcp-audit`
  const markers = makeMarkers(random)
  const gone = [markers.small, markers.large, markers.many]
  await fill(base, markers, random)
  const note = await (await fetch(`${base}/checkpoint`)).text()
  // The planner keeps samples of what it has seen.
  await asOwner(world.server.ownerUrl, (owner) => owner.query('ANALYZE'))
  await checkpointFiles(world)
  const before = filesWith(world.server.dataDir, gone)
  const held = await erase(base)
  await asOwner(world.server.ownerUrl, (owner) => owner.query('VACUUM FULL'))
  await checkpointFiles(world)
  const after = filesWith(world.server.dataDir, gone)
  const inBase = after.filter((file) => !file.startsWith('pg_wal'))
  const texts = await Promise.all(READS.map((path) => read(base + path)))
  const zipped = gunzipSync(await read(`${base}/export?fmt=ndjson`, 'gzip'))
  const logs = [...world.audits, world.lineage, ...(world.gateway ? [world.gateway] : [])]
    .map((service) => Buffer.from(service.log()))
    .concat(readFileSync(world.server.logFile))
  const holding = (all: Buffer[]) => all.filter((text) => gone.some((one) => text.includes(one)))
  return [
    {
      what: 'before: files of the database that hold the text',
      figure: before.join(', '),
      holds: before.some((file) => file.startsWith('base')),
    },
    {
      what: 'after VACUUM FULL: files that hold it, but for the write-ahead log',
      figure: inBase.join(', ') || 'none',
      holds: inBase.length === 0,
    },
    {
      what: 'segments of the write-ahead log that hold it until they are overwritten',
      figure: String(after.length - inBase.length),
      holds: null,
    },
    {
      what: 'exports in all formats, gzip too, and pages that hold it',
      figure: `${holding([...texts, zipped]).length} of ${texts.length + 1}`,
      holds: holding([...texts, zipped]).length === 0,
    },
    {
      what: 'logs of the services and of PostgreSQL that hold it',
      figure: `${holding(logs).length} of ${logs.length}`,
      holds: holding(logs).length === 0,
    },
    {
      what: 'under a legal hold',
      figure: `${held}, and the text is ${texts[0]?.includes(markers.held) ? '' : 'not '}there`,
      holds: held === 'legal_hold' && texts[0]?.includes(markers.held) === true,
    },
    ...(await verdicts(world, folder, base, note, texts[0] as Buffer)),
  ]
}

async function verdicts(world: World, folder: string, base: string, note: string, text: Buffer) {
  const file = join(folder, 'export.ndjson')
  const notes = join(folder, 'notes.txt')
  writeFileSync(file, text)
  writeFileSync(notes, note)
  const evidence = { key: world.verifierKey, checkpoints: notes }
  const { result, entries } = await verifyOffline(file, evidence)
  const inside = JSON.parse((await read(`${base}/verify`)).toString())
  return [
    {
      what: 'both verifiers, with the checkpoint from before the erasure',
      figure: `${result}, ${entries} entries`,
      holds: result === 'verified',
    },
    { what: 'GET /verify', figure: JSON.stringify(inside), holds: inside.ok === true },
  ]
}

/** 300 entries, of which 11 and 12 and every tenth from 100 on hold a text that is to go, and 13 one that is held. */
async function fill(
  base: string,
  { small, large, many, held }: Markers,
  random: Random,
): Promise<void> {
  const texts = new Map([
    [11, small],
    // So large that it is stored beside the row, and without a pattern that would be packed.
    [12, large + random.hex(40_000)],
    [13, held],
  ])
  for (let n = 1; n <= 300; n++) {
    const isPersonal = n >= 100 && n % 10 === 0
    const note = isPersonal ? many : (texts.get(n) ?? `entry ${n}`)
    const event_type = isPersonal ? 'personal.data' : 'model.deployed'
    const event = { event_type, subject: `s@${n}`, decision: true, details: { note } }
    await post(`${base}/log`, event, 200)
  }
  // What is refused is not recorded; it must not be in a log either.
  await post(`${base}/log`, { event_type: 'a', subject: small, decision: 'yes' }, 400)
}

/** Returns the code of the answer for the entry that is under a hold. */
async function erase(base: string): Promise<string> {
  const why = { reason: 'asked by the person', legal_basis: 'Art. 17 GDPR' }
  await post(`${base}/holds`, { subject: 's@13', reason: 'case 4711' }, 200)
  await post(`${base}/events/11/erase`, why, 200)
  await post(`${base}/events/12/erase`, why, 200)
  const before = new Date(Date.now() + 60_000).toISOString()
  await post(`${base}/retention`, { before, event_type: 'personal.data', ...why }, 200)
  return (await post(`${base}/events/13/erase`, why, 409)).code
}

async function post(url: string, body: unknown, expected: number): Promise<{ code: string }> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (answer.status !== expected) throw new Error(`${url} was answered ${answer.status}: ${text}`)
  return JSON.parse(text)
}

/** The bytes of an answer as they came, because `fetch` would unpack them. */
async function read(url: string, encoding = 'identity'): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': encoding } }, async (answer) => {
      const parts: Buffer[] = []
      for await (const part of answer) parts.push(part)
      resolve(Buffer.concat(parts))
    }).on('error', reject)
  })
}

/** Makes the server write what it holds in memory to its files. */
function checkpointFiles({ server }: World): Promise<unknown> {
  return asOwner(server.ownerUrl, (owner) => owner.query('CHECKPOINT'))
}

/** The files below a folder that hold one of these texts, by their paths in it. */
function filesWith(folder: string, texts: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const content = readFileSync(path)
      return texts.some((text) => content.includes(text))
    })
    .map((path) => relative(folder, path))
}
