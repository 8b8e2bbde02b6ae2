// Runs a program of this repository under the project's own Node 26, installing first what is missing.
// Plain JavaScript on purpose: the Node that a machine happens to have (20 or later) runs this file.
//
//   node infra/bootstrap.js <script> [arguments]
//
// Exit codes: the script's own; 1 when the installation failed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const node = join(root, 'node_modules', '.bin', 'node')
const stampFile = join(root, 'node_modules', '.installed')
const say = (text) => process.stderr.write(`${text}\n`)

/** What the installed tree was made from; another value means it has to be made again. */
function stampOfSources() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} `)
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json']) {
    hash.update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

function install() {
  const stamp = stampOfSources()
  if (existsSync(node) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  say('Installing dependencies, Node 26 and PostgreSQL 18 from the npm registry (once) ...')
  // An npm script exports its own npm_config_* settings, which the inner npx would warn about.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_config_(?!registry|cache|.*proxy)/i.test(name),
    ),
  )
  const result = spawnSync('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'], {
    cwd: root,
    env,
    stdio: ['ignore', 2, 2], // standard output belongs to the script's own answer
    shell: process.platform === 'win32',
  })
  if (result.status !== 0 || !existsSync(node)) {
    say(
      result.status === 0
        ? `The project's Node 26 has no build for ${process.platform}-${process.arch}. Run the stack in Linux, macOS or WSL, or with "docker compose up".`
        : 'The installation failed: the lines above say why. Check that this machine reaches an npm registry, then run the same command again.',
    )
    process.exit(1)
  }
  writeFileSync(stampFile, stamp)
}

install()
const child = spawn(node, process.argv.slice(2), { cwd: root, stdio: 'inherit' })
// A terminal sends Ctrl-C to every process of the foreground group, so the child has it already; a
// signal sent to this process alone is passed on. Either way the child decides when to end.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => {
  if (signal) process.kill(process.pid, signal)
  else process.exit(code ?? 1)
})
