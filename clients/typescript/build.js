// Compiles the library and aigov into dist, which is what is published. `aigov policy` judges by the policy engine
// of this repository, which is not published: it is compiled along, and laid beside the command line with the few
// modules that it imports. Plain JavaScript on purpose: any Node from 20 on runs it.
//
//   node build.js            into dist: called by "npm run build"
//   node build.js FOLDER     into another folder
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const here = import.meta.dirname
const dist = resolve(process.argv[2] ?? join(here, 'dist'))
const tree = `${dist}.tree`
const services = join(dist, 'services')
/** What is started or imported from outside; all else is reached from these. */
const ENTRIES = ['index.js', 'cli/main.js', 'cli/verify-worker.js']

function compile(config, ...options) {
  const { status } = spawnSync('tsc', ['-p', config, ...options], { cwd: here, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/** Of a tree like that of the repository the client becomes dist, and each service a folder of dist/services. */
function place() {
  renameSync(join(tree, 'clients/typescript/src'), dist)
  mkdirSync(services)
  for (const name of readdirSync(join(tree, 'services'))) {
    renameSync(join(tree, 'services', name, 'src'), join(services, name))
  }
}

const IMPORT = /(\bfrom '|\bimport\('|^import ')([^']+)(')/gm
const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))

/** The file of dist that an import leads to; null for a dependency. Throws where it would lead to nothing. */
function targetOf(file, specifier) {
  const service =
    /^(?:\.\.\/)+services\/([a-z-]+)\/src\/(.+)\.js$/.exec(specifier) ??
    /^@ai-governance\/([a-z-]+)\/(.+)$/.exec(specifier)
  if (service || specifier.startsWith('.')) {
    const target = service
      ? join(services, service[1], `${service[2]}.js`)
      : join(dirname(file), specifier)
    if (existsSync(target)) return target
    throw new Error(
      `${file} imports ${specifier}, which was not compiled: name it in tsconfig.build.json`,
    )
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  if (specifier.startsWith('node:') || Object.hasOwn(dependencies, name)) return null
  throw new Error(`${file} imports ${specifier}: name it in the dependencies of package.json`)
}

/** Makes the imports of a module hold within dist, and those of what it imports. `linked` are those done before. */
function link(file, linked) {
  if (linked.has(file)) return
  linked.add(file)
  const targets = []
  const text = readFileSync(file, 'utf8').replaceAll(IMPORT, (all, open, specifier, close) => {
    const target = targetOf(file, specifier)
    if (target === null) return all
    targets.push(target)
    const path = relative(dirname(file), target).replaceAll('\\', '/')
    return `${open}${path.startsWith('.') ? path : `./${path}`}${close}`
  })
  writeFileSync(file, text)
  for (const target of targets) link(target, linked)
}

/** What only types led to was compiled too, and nobody needs it; nor has a service types for others. */
function prune(linked) {
  for (const name of readdirSync(services, { recursive: true })) {
    const file = join(services, name)
    if (statSync(file).isFile() && !linked.has(file)) rmSync(file)
  }
}

for (const folder of [dist, tree]) rmSync(folder, { recursive: true, force: true })
compile('tsconfig.browser.json')
compile('tsconfig.build.json', '--outDir', tree)
place()
const linked = new Set()
for (const entry of ENTRIES) link(join(dist, entry), linked)
prune(linked)
rmSync(tree, { recursive: true })
