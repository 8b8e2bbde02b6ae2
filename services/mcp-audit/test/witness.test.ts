import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { EnvironmentError } from '@ai-governance/common/environment'
import { CosignatureError, findCosignature, parseWitnessKey } from '../src/witness/cosignature.ts'
import { readWitnesses } from '../src/witness/witnesses.ts'
import { makeWitness } from './witness-key.ts'

interface Vectors {
  keys: { name: string; key: string; type: number; ok: boolean }[]
  signatures: { name: string; note: string; key: string; ok: boolean; time?: string }[]
}
const vectors: Vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../docs/vectors/checkpoints.json'), 'utf8'),
)
const NOW = 1_790_000_000

test('keys of witnesses are told from all others, as the vectors say', () => {
  for (const { name, key, type, ok } of vectors.keys.filter((one) => one.type === 4)) {
    // A key of small order can be read here, and nothing that it signs counts.
    if (name.includes('small order')) continue
    assert.equal(parseWitnessKey(key) !== null, ok, `${name}, ${type}`)
  }
  for (const { name, key, ok } of vectors.keys.filter((one) => one.type === 1 && one.ok)) {
    assert.equal(parseWitnessKey(key), null, `${name}, ${ok}`)
  }
})

test('cosignatures are judged as the vectors say', () => {
  let judged = 0
  for (const { name, note, key: text, ok } of vectors.signatures) {
    const key = parseWitnessKey(text)
    if (!key) continue
    const blank = note.lastIndexOf('\n\n')
    const lines = note.slice(blank + 2)
    const own = lines
      .split('\n')
      .map((line) => Buffer.from(line.split(' ')[2] ?? '', 'base64'))
      .find((bytes) => bytes.subarray(0, 4).equals(key.id))
    const time = own && own.length >= 12 ? own.readBigUInt64BE(4) : 0n
    // As if the clock here showed the same; none shows what a cosignature must not hold.
    const clock = time < 2n ** 63n ? Number(time) : NOW
    const judge = () => findCosignature(lines, key, note.slice(0, blank + 1), clock)
    if (ok) assert.ok(lines.includes(`${judge()}\n`), name)
    else assert.throws(judge, CosignatureError, name)
    judged++
  }
  assert.ok(judged > 5)
})

test('of an answer only a right and fresh cosignature of the right key counts', () => {
  const [witness, other] = [makeWitness(), makeWitness()]
  const text = 'example.org/audit\n5\nAAAA\n'
  const right = witness.line(text, NOW)
  const judge = (answer: string) => findCosignature(answer, witness.key, text, NOW)
  assert.equal(`${judge(`${other.line(text, NOW)}nonsense\n${right}`)}\n`, right)
  for (const [why, answer] of Object.entries({
    nothing: '',
    'another key of the same name': other.line(text, NOW),
    'another text': witness.line(text.replace('5', '6'), NOW),
    'an hour ago': witness.line(text, NOW - 3_600),
    'an hour ahead': witness.line(text, NOW + 3_600),
    'without padding': right.replaceAll('=', ''),
    'with more behind it': right.replace('\n', ' x\n'),
    'with a CR': right.replace('\n', '\r\n'),
    'a wrong one in front': right.replace(/.{8}\n$/, 'AAAAAAA=\n') + right,
  })) {
    assert.throws(() => judge(answer), CosignatureError, why)
  }
})

test('the list of witnesses is read, and each line that is wrong is named', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'witnesses-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'witnesses.txt')
  const read = (text: string) => {
    writeFileSync(file, text)
    return readWitnesses(file)
  }
  const [a, b] = [makeWitness(), makeWitness('b.example')]
  const list = `# ours\n\n${a.vkey} http://127.0.0.1:8090\r\n  ${b.vkey}\thttps://b.example/api/\n`
  assert.deepEqual(
    read(list).map(({ key, url }) => [key.name, url.href]),
    [
      ['witness.example/w1', 'http://127.0.0.1:8090/add-checkpoint'],
      ['b.example', 'https://b.example/api/add-checkpoint'],
    ],
  )
  assert.deepEqual(read('# none'), [])
  assert.deepEqual(readWitnesses(undefined), [])
  const refused = (text: string, message: RegExp) =>
    assert.throws(
      () => read(text),
      (error) => error instanceof EnvironmentError && message.test(error.message),
      text,
    )
  refused(`${a.vkey} http://a\nnonsense http://a\n${b.vkey}`, /line 2: .*\n.*line 3: /)
  refused(`${a.vkey} http://a\n${a.vkey} http://b`, /line 2: this witness is named twice/)
  refused(`${a.vkey.replace(/\+[0-9a-f]{2}/, '+00')} http://a`, /line 1: it must begin with/)
  for (const url of ['', 'a.example', 'ftp://a', 'file:///etc/passwd', 'http://a http://b', '/x']) {
    refused(`${a.vkey} ${url}`, /line 1: behind the verifier key/)
  }
  for (const url of ['http://u:secret@a', 'http://a?b', 'http://a#b']) {
    refused(`${a.vkey} ${url}`, /line 1: the URL of a witness has no user/)
  }
  assert.throws(() => readWitnesses(join(folder, 'none')), /which cannot be read \(ENOENT\)/)
  assert.throws(() => readWitnesses(folder), /which cannot be read \(EISDIR\)/)
})
