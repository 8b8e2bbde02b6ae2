import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isProbe } from '@ai-governance/common/http/probes'
import { byClass, readCorpus } from './corpus.ts'
import { assertAnswered } from './corpus-exchange.ts'
import { getBytes, sendRaw, startPair, startRecorder } from './harness.ts'
import { startProcess } from './process.ts'

const corpus = readCorpus()

describe('the corpus', () => {
  test('is as large as it has to be, and says each thing once', () => {
    const counts = { targets: 150, 'raw-requests': 100, bodies: 80 }
    for (const [file, least] of Object.entries(counts)) {
      const ones = corpus.filter((one) => one.class.startsWith(`${file}: `))
      assert.ok(ones.length >= least, file)
      assert.equal(new Set(ones.map((one) => one.bytes(80).toString('latin1'))).size, ones.length)
    }
  })
})

for (const [name, samples] of byClass(corpus)) {
  const reaching = samples.filter((one) => one.reaches).length
  test(`${name}: ${samples.length} are answered as written, ${reaching} of them reach a service`, async (t) => {
    const { gateway, recorder } = await startPair(t, undefined, { linger: 50 })
    const unmet: string[] = []
    for (const one of samples) {
      recorder.received.length = 0
      try {
        await assertAnswered(gateway.port, one, one.reaches ? 200 : undefined)
        const calls = recorder.received.filter((call) => !isProbe(call.target))
        assert.equal(calls.length, one.reaches ? 1 : 0, 'calls of a service')
      } catch (error) {
        unmet.push(`${one.what.slice(0, 80)}: ${(error as Error).message.replaceAll('\n', ' ')}`)
      }
    }
    assert.deepEqual(unmet, [])
    // Whatever came, an honest caller is served.
    const honest = getBytes(gateway.port, '/mcp-audit/events')
    assert.equal((await sendRaw(gateway.port, honest)).status, 200)
  })
}

test('a Node that is told to parse leniently refuses the same', async (t) => {
  const recorder = await startRecorder(t)
  const { port } = await startProcess(
    t,
    { 'mcp-audit': recorder.url },
    { NODE_OPTIONS: '--insecure-http-parser --max-http-header-size=1000000' },
  )
  const unmet: string[] = []
  for (const one of corpus.filter(
    (one) => one.class.startsWith('raw-requests: ') && one.expect.closes && !one.reaches,
  )) {
    await assertAnswered(port, one).catch((error) => unmet.push(`${one.what}: ${error.message}`))
  }
  assert.deepEqual(unmet, [])
  assert.deepEqual(
    recorder.received.filter((call) => !isProbe(call.target)),
    [],
  )
})
