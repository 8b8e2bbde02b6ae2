import assert from 'node:assert/strict'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCommand } from '../smoke/command.ts'
import { compareAnswers } from '../smoke/notebook/answers.ts'
import type { Doings } from '../smoke/notebook/calls.ts'
import { executeNotebook, requirePrograms } from '../smoke/notebook/execute.ts'
import { codeOf, parseNotebook, type Step } from '../smoke/notebook/notebook.ts'
import { readPowershellBlock } from '../smoke/notebook/powershell-block.ts'
import { readShellBlock } from '../smoke/notebook/shell-block.ts'
import { scratchFolder } from '../test-support/scratch.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'examples', 'demo_notebook.md'), 'utf8')
const steps = parseNotebook(page)

/** What each step does in curl and in PowerShell. */
function doings(notebook: readonly Step[]): { title: string; sh: Doings; powershell: Doings }[] {
  const ofSh = new Map<string, string>()
  const ofPowershell = new Map<string, string>()
  return notebook.map((step) => ({
    title: step.title,
    sh: readShellBlock(codeOf(step, 'sh'), ofSh),
    powershell: readPowershellBlock(codeOf(step, 'powershell'), ofPowershell),
  }))
}

test('every step is in all four languages, numbered, and says what is printed', () => {
  const numbered = steps.filter(({ title }) => /^\d/.test(title))
  assert.equal(numbered.length, 14)
  for (const [i, step] of numbered.entries()) {
    assert.ok(step.title.startsWith(`${i + 1}. `), step.title)
    assert.ok(step.expected.length > 0, step.title)
  }
  for (const step of steps.filter(({ title }) => title !== 'What you need')) {
    for (const language of ['sh', 'powershell', 'ts', 'python'] as const) {
      assert.notEqual(codeOf(step, language), '', `${step.title}: ${language}`)
    }
  }
})

test('PowerShell sends the same requests and runs the same commands as curl', () => {
  const all = doings(steps)
  for (const { title, sh, powershell } of all) assert.deepEqual(powershell, sh, title)
  assert.equal(all.flatMap(({ sh }) => sh.calls).length, 19)
  assert.equal(all.flatMap(({ sh }) => sh.commands).length, 9)
})

const changes: Record<string, [from: string, to: string]> = {
  'another path': ['-Uri "$gateway/mcp-lineage/register"', '-Uri "$gateway/mcp-lineage/models"'],
  'another query': [
    '-Uri "$gateway/mcp-audit/export?fmt=ndjson"',
    '-Uri "$gateway/mcp-audit/export?fmt=csv"',
  ],
  'another method': ['-Method Post -ContentType', '-Method Put -ContentType'],
  'another content type': ["-ContentType 'application/json'", "-ContentType 'text/plain'"],
  'another member in a body': ['"owner": "head-of-credit"', '"owner": "nobody"'],
  'another variable in a body': ['"ticket": "OPS-$run"', '"ticket": "OPS-$version"'],
  'another file for the answer': ['-OutFile "$work/export', '-OutFile "$work/log'],
  'a request less': ['$answer = Invoke-RestMethod -Uri "$gateway/mcp-audit/verify"', ''],
  'another content of a file': ['"accuracy": 0.91', '"accuracy": 0.92'],
  'another command': ['aigov verify "$work/forged', 'aigov verify "$work/export'],
  'a key less': [
    'aigov verify "$work/forged.ndjson" --key "$work/log.vkey"',
    'aigov verify "$work/forged.ndjson"',
  ],
  'another entry erased': ['/events/$entry_id/erase', '/events/1/erase'],
}
for (const [what, [from, to]] of Object.entries(changes)) {
  test(`${what} in a PowerShell block is noticed`, () => {
    let changed = 0
    const edited = page.replaceAll(/^```powershell\n[\s\S]*?^```$/gm, (block) => {
      if (changed > 0 || !block.includes(from)) return block
      changed++
      return block.replace(from, () => to)
    })
    assert.equal(changed, 1)
    const different = doings(parseNotebook(edited)).filter(
      ({ sh, powershell }) => JSON.stringify(sh) !== JSON.stringify(powershell),
    )
    assert.ok(different.length > 0)
  })
}

test('a form of request that is not compared is refused', () => {
  const sh = [
    'curl -sS -X PUT "$gateway/x"',
    'true; curl "$gateway/x"',
    'curl http://127.0.0.1:8080/x',
    'curl "$gateway/x" -d "$never_set"',
  ]
  const powershell = [
    'irm "$gateway/x"',
    'Invoke-RestMethod -Uri "$gateway/x" -Headers $h',
    'Invoke-RestMethod "$gateway/x"',
    'if ($true) { Invoke-RestMethod -Uri "$gateway/x" }',
    'Invoke-RestMethod -Uri "$gateway/x" -Method Post -Body $never_set',
    // PowerShell takes the question mark into the name of the variable.
    'Invoke-RestMethod -Uri "$gateway/$path?fmt=csv"',
    'Invoke-RestMethod -Uri "$gateway/x" `',
    '$body = @"\n{ "name": "Müller" }\n"@',
  ]
  for (const code of sh) assert.throws(() => readShellBlock(code, new Map()), /^Failure/, code)
  for (const code of powershell) {
    assert.throws(() => readPowershellBlock(code, new Map()), /^Failure/, code)
  }
})

test('step 2 registers what examples/register_model.json says', () => {
  const example = JSON.parse(readFileSync(join(root, 'examples', 'register_model.json'), 'utf8'))
  const { sh } = doings(steps).find(({ title }) => title.startsWith('2. ')) ?? {}
  assert.deepEqual(sh?.calls[0]?.body, { ...example, version: '<version>' })
})

test('the TypeScript blocks pass the compiler as one module', async (t) => {
  const folder = scratchFolder(t)
  const code = steps.map((step) => codeOf(step, 'ts')).join('')
  assert.ok(code.includes("import('./clients/"))
  writeFileSync(join(folder, 'walk.mts'), code.replace("'./clients/", `'${root}/clients/`))
  const compilerOptions = { typeRoots: [join(root, 'node_modules', '@types')] }
  const config = { extends: join(root, 'tsconfig.base.json'), compilerOptions, files: ['walk.mts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { code: exit, stdout } = await runCommand([process.execPath, tsc, '-p', folder], {
    allow: [1, 2],
  })
  assert.equal(exit, 0, stdout)
})

test('the TypeScript blocks can be pasted into the prompt of Node, line by line', () => {
  for (const step of steps) {
    const code = codeOf(step, 'ts')
    // The prompt knows no types; a line that could be the last one is run before the next is read.
    assert.equal(stripTypeScriptTypes(code), code, step.title)
    assert.doesNotMatch(code, /^\s*[.?:&|+]|^(try|if|for|while)\b/m, step.title)
  }
})

test('the Python blocks can be pasted into the prompt of Python, line by line', () => {
  const isContinued = /^(except|else|elif|finally|[)\]}])/
  for (const step of steps) {
    for (const { code } of step.blocks.filter(({ language }) => language === 'python')) {
      const lines = code.split('\n').slice(0, -1)
      for (const [i, line] of lines.entries()) {
        const next = lines[i + 1]
        // An empty line ends what is indented, and nothing else does.
        const ends = line.startsWith(' ') && (next === undefined || /^\S/.test(next))
        assert.ok(!ends || isContinued.test(next ?? ''), `${step.title}: ${line}`)
        const isCut = line === '' && /^( |except|else|elif|finally)/.test(next ?? '')
        assert.ok(!isCut, `${step.title}: ${next}`)
      }
    }
  }
})

test('an answer may hold more than the page shows, and a name is the same wherever it comes back', () => {
  const expected = [
    { id: '<id>', subject: 'm@<v>', list: [{ a: 1 }] },
    { of: '<id>', v: '1.<v>' },
  ]
  const output = 'for people\n{"id":7,"subject":"m@2","list":[{"a":1,"b":2}],"more":0}\n'
  const compare = (second: string) => compareAnswers(`${output}${second}\n`, expected, new Map())
  assert.deepEqual(compare('{"of":7,"v":"1.2"}'), { answers: 2 })
  for (const wrong of ['{"of":8,"v":"1.2"}', '{"of":"7","v":"1.2"}', '{"of":7,"v":"1.3"}']) {
    assert.ok('fault' in compare(wrong), wrong)
  }
})

test('a different, missing or further answer is a fault', () => {
  const expected = [{ ok: true, list: [1, 2], nothing: null }]
  const right = '{"ok":true,"list":[1,2],"nothing":null}'
  assert.deepEqual(compareAnswers(`${right}\n${right}\n`, expected, new Map()), { answers: 2 })
  const wrong = [
    '',
    '{"ok":false,"list":[1,2],"nothing":null}',
    '{"ok":true,"list":[1,2,3],"nothing":null}',
    '{"ok":true,"list":{"0":1,"1":2},"nothing":null}',
    '{"ok":true,"list":[1,2]}',
    `${right}{`,
    `${right}\n{"ok":false}`,
  ]
  for (const output of wrong) {
    assert.ok('fault' in compareAnswers(output, expected, new Map()), output)
  }
})

/** Runs a small page in a folder where the project's Node is; the address is that of nobody. */
function execute(folder: string, markdown: string) {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const shell = (script: string) => runCommand(['sh', '-e'], { cwd: folder, input: script })
  const place = { url: 'http://gateway.test', folder, shell }
  return executeNotebook(parseNotebook(markdown), place, () => {})
}
const block = (language: string, code: string) => `\`\`\`${language}\n${code}\n\`\`\`\n\n`

test('the blocks of a language share a session, in the order of the page', async (t) => {
  const markdown = [
    '## First\n\n',
    block('sh', 'at=http://127.0.0.1:8080'),
    block('ts', "const file = 'trace'"),
    block('shell', 'echo "{\\"by\\":\\"terminal\\"}" > trace'),
    '## Second\n\n',
    block('sh', 'printf \'{"at":"%s"}\\n\' "$at"; cat trace'),
    block('ts', 'console.log(\'{"at":"http://gateway.test"}\')'),
    block('ts', "console.log((await import('node:fs')).readFileSync(file, 'utf8'))"),
    block('json', '{ "at": "http://gateway.test" }'),
    block('json', '{ "by": "terminal" }'),
  ]
  assert.deepEqual(await execute(scratchFolder(t), markdown.join('')), {
    steps: 1,
    blocks: { sh: 2, ts: 3, shell: 1 },
    answers: 4,
  })
})

const failing: Record<string, [language: string, code: string, message: RegExp]> = {
  'a command that fails': ['sh', 'echo so >&2; false', /"2\. Break", curl: it ended with 1:\nso/],
  'an exception': ['ts', "throw new Error('thrown')", /"2\. Break", TypeScript: .*thrown/s],
  'another answer': ['sh', 'echo \'{"n":2}\'', /"2\. Break", curl: it printed .*\n.* 2 and not 1/],
  'no answer': ['ts', '', /"2\. Break", TypeScript: it did not print \{"n":1\}/],
  'a bad end': [
    'ts',
    'console.log(\'{"n":1}\'); process.exitCode = 3',
    /TypeScript: it ended with 3/,
  ],
  'a terminal that fails': ['shell', 'exit 3', /"2\. Break", the terminal: .* ended with 3/],
}
for (const [what, [language, code, message]] of Object.entries(failing)) {
  test(`${what} ends the run with the names of step and language`, async (t) => {
    const first = block('sh', 'true') + block('ts', 'true')
    const second = block(language, code) + block('json', '{ "n": 1 }')
    const markdown = `## 1. Begin\n\n${first}## 2. Break\n\n${second}`
    await assert.rejects(execute(scratchFolder(t), markdown), message)
  })
}

test('a page with a block that nobody would run is refused', () => {
  assert.throws(
    () => parseNotebook(`## A\n\n${block('ruby', 'puts 1')}`),
    /"A": a block is in "ruby"/,
  )
  assert.throws(() => parseNotebook(`## A\n\n${block('json', '{')}`), /"A": .* is not JSON/)
  assert.throws(() => parseNotebook('## A\n\n```sh\ntrue\n'), /"A": a block has no end/)
})

test('a machine without curl or Python is told what to install', async (t) => {
  const folder = scratchFolder(t)
  const env = { PATH: folder }
  await assert.rejects(requirePrograms(env), /^Failure: The walk-through needs curl: install curl/)
  writeFileSync(join(folder, 'curl'), '#!/bin/sh\n', { mode: 0o755 })
  await assert.rejects(requirePrograms(env), /^Failure: .* needs python3: install Python 3\.9/)
})
