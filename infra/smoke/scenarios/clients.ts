import assert from 'node:assert/strict'
import { join } from 'node:path'
import { createClient, GovernanceError } from '../../../clients/typescript/src/index.ts'
import { buildClient } from '../client-build.ts'
import { type SameCall, sameCalls } from '../clients/calls.ts'
import { runCommand } from '../command.ts'
import type { Scenario } from '../scenario.ts'

const root = join(import.meta.dirname, '..', '..', '..')

export const clients: Scenario = {
  shows: 'curl, the TypeScript client, the Python client and a browser see the same answers',
  async run(stack, say) {
    say(`${sameCalls.length} calls by curl, TypeScript and Python`)
    const pinned = { url: stack.url, key: await keyOf(stack.url) }
    // Reads come when everybody has written: all three then ask for the same.
    await compare(
      pinned,
      sameCalls.filter(({ body }) => body !== undefined),
    )
    await compare(
      pinned,
      sameCalls.filter(({ body }) => body === undefined),
    )
    say('every verb of the Python command line')
    await runCommand(['python3', join(root, 'clients', 'python', 'tests', 'live.py'), stack.url])
    say('the built client in a browser')
    await buildClient()
    const check = join(root, 'clients', 'typescript', 'browser', 'check.ts')
    await runCommand([process.execPath, check, '--url', stack.url], {
      onOutput: (text) => process.stderr.write(text),
    })
    return { calls: sameCalls.length }
  },
}

/** A gateway, and the verifier key of its log, which the clients pin. */
interface Pinned {
  url: string
  key: string
}

/** The verifier key as `docker compose up` has made it. */
async function keyOf(url: string): Promise<string> {
  const { stdout } = await runCommand(['curl', '-sS', '--fail', `${url}/mcp-audit/checkpoint/key`])
  return stdout.trim()
}

async function compare(pinned: Pinned, calls: readonly SameCall[]): Promise<void> {
  const curl = await byCurl(pinned.url, calls)
  const typescript = await byTypescript(pinned, calls)
  const python = await byPython(pinned, calls)
  calls.forEach((call, i) => {
    const name = `${call.body ? 'POST' : 'GET'} ${call.path}`
    const { error } = curl[i] as { error?: { code: string } }
    assert.equal(error?.code, call.code, name)
    const expected = stable(call, curl[i])
    assert.deepEqual(stable(call, typescript[i]), expected, `TypeScript: ${name}`)
    assert.deepEqual(stable(call, python[i]), expected, `Python: ${name}`)
  })
}

async function byCurl(url: string, calls: readonly SameCall[]): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const { path, body } of calls) {
    const data = ['-H', 'content-type: application/json', '--data-binary', '@-']
    const form = '\n%{http_code} %{content_type}'
    const args = ['-sS', '-w', form, ...(body === undefined ? [] : data), url + path]
    const { stdout } = await runCommand(['curl', ...args], { input: JSON.stringify(body) ?? '' })
    const [, text = '', status, type] = /^([\s\S]*)\n(\d{3}) (\S+).*$/.exec(stdout) ?? []
    const answer = type?.startsWith('text/plain') ? text : JSON.parse(text)
    const { code, detail, errors = [] } = answer
    answers.push(
      status === '200'
        ? { ok: answer }
        : { error: { status: Number(status), code, detail, errors } },
    )
  }
  return answers
}

async function byTypescript({ url, key }: Pinned, calls: readonly SameCall[]): Promise<unknown[]> {
  const client = createClient({ baseUrl: url, auditKey: key })
  const answers: unknown[] = []
  for (const call of calls) {
    try {
      answers.push({ ok: await call.typescript(client) })
    } catch (error) {
      if (!(error instanceof GovernanceError)) throw error
      const { status, code, detail, errors } = error
      answers.push({ error: { status, code, detail, errors } })
    }
  }
  return JSON.parse(JSON.stringify(answers))
}

async function byPython({ url, key }: Pinned, calls: readonly SameCall[]): Promise<unknown[]> {
  const script = join(root, 'infra', 'smoke', 'clients', 'answers.py')
  const list = calls.map(({ python }) => ({ args: [], kwargs: {}, ...python }))
  const { stdout } = await runCommand(['python3', script, url, key], {
    env: { ...process.env, PYTHONPATH: join(root, 'clients', 'python') },
    input: JSON.stringify(list),
  })
  return JSON.parse(stdout)
}

/** Members that differ from one call to the next although nothing else does. */
const ofTheCall = ['decision_id', 'elapsed_ms', 'evaluated_at', 'request_id']
/** Members of what a POST made, which is another thing each time. */
const ofWhatWasMade = [
  'id',
  'revision',
  'created_at',
  'entry_hash',
  'prev_hash',
  'details_salt',
  'details_hash',
  'audit_id',
  'first_id',
  'last_id',
  'index',
  'size',
  'hashes',
  'checkpoint',
]

/** An answer with the type alone of what cannot be equal. A GET asks again for the same: it is kept whole. */
function stable(call: SameCall, answer: unknown): unknown {
  const isPost = call.body !== undefined
  const varying = isPost ? [...ofTheCall, ...ofWhatWasMade] : []
  return JSON.parse(
    JSON.stringify(answer, (key, value) => (varying.includes(key) ? typeof value : value)),
  )
}
