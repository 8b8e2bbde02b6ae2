// Builds each overlay, alone and with each component, and holds every object against its published schema, unknown
// members refused, and against infra/k8s/rules.ts. To show that the schemas are in force, each object is tried once
// more with a member that none of them has, and has to be refused.
//
//   node infra/bootstrap.js infra/k8s/validate.ts --tools <folder> --kubernetes <folder> <definitions.yaml> ...
//
// --tools: a folder with kustomize and kubeconform. --kubernetes: the schemas of one version of Kubernetes. Then the files or
// folders with the CustomResourceDefinitions. `.ci/kubernetes` gets all of them.
// Exit codes: 0 all of it holds; 1 something does not, one line each on standard error.
import { spawnSync } from 'node:child_process'
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure } from '../failure.ts'
import { parseYamlDocuments } from '../test/yaml.ts'
import { composeFacts } from './compose-facts.ts'
import { type Definition, schemasOf } from './crd-schema.ts'
import type { KubernetesObject } from './objects.ts'
import { manifestFaults } from './rules.ts'

const here = import.meta.dirname
const root = join(here, '..', '..')

interface Tools {
  kustomize: string
  kubeconform: string
  /** The template of the paths of schemas. */
  schemas: string
}

/** Writes the schemas of Kubernetes and of the definitions into one folder. */
function writeSchemas(folder: string, kubernetes: string, definitions: readonly string[]): void {
  mkdirSync(folder)
  for (const name of readdirSync(kubernetes)) {
    const text = readFileSync(join(kubernetes, name), 'utf8')
    const schema = JSON.parse(text.replaceAll('"/api/_definitions.json#', '"_definitions.json#'))
    // They name a place that nothing is served from, and kubeconform would ask there.
    delete schema.$id
    delete schema.$schema
    writeFileSync(join(folder, name), JSON.stringify(schema))
  }
  const files = definitions.flatMap((path) =>
    statSync(path).isDirectory() ? globSync(join(path, '*.yaml')) : [path],
  )
  for (const file of files) {
    for (const object of parseYamlDocuments(readFileSync(file, 'utf8'))) {
      const definition = object as Definition & { kind: string }
      if (definition.kind !== 'CustomResourceDefinition') continue
      for (const [name, schema] of schemasOf(definition)) {
        writeFileSync(join(folder, name), JSON.stringify(schema))
      }
    }
  }
}

/** The text that kustomize makes of a folder. */
function build(kustomize: string, folder: string): string {
  const { status, stdout, stderr } = spawnSync(kustomize, ['build', folder], { encoding: 'utf8' })
  if (status !== 0) throw new Failure(`kustomize does not build ${folder}: ${stderr}`)
  return stdout
}

/** What kubeconform says of each object, by `Kind/name`; the empty text where it is as its schema says. */
function judge({ kubeconform, schemas }: Tools, text: string): Map<string, string> {
  const { stdout, stderr } = spawnSync(
    kubeconform,
    ['-strict', '-output', 'json', '-verbose', '-schema-location', schemas, '-'],
    { encoding: 'utf8', input: text, maxBuffer: 64 * 1024 * 1024 },
  )
  if (stdout === '') throw new Failure(`kubeconform gave no verdict: ${stderr}`)
  const { resources } = JSON.parse(stdout) as {
    resources: { kind: string; name: string; status: string; msg: string }[]
  }
  return new Map(
    resources.map(({ kind, name, status, msg }) => [
      `${kind}/${name}`,
      status === 'statusValid' ? '' : `${msg || status}`,
    ]),
  )
}

/** What is wrong with one variant, and how many objects it has. */
function check(tools: Tools, folder: string): { faults: string[]; count: number } {
  const text = build(tools.kustomize, folder)
  const objects = parseYamlDocuments(text) as KubernetesObject[]
  const invalid = [...judge(tools, text)].filter(([, message]) => message !== '')
  const strange = objects.map((object) =>
    JSON.stringify({ ...object, spec: { ...object.spec, unheardOf: true } }),
  )
  const verdicts = judge(tools, strange.join('\n---\n'))
  const accepted = [...verdicts].filter(([, message]) => !message.includes('unheardOf'))
  const images = [...text.matchAll(/^ +image: (.+)$/gm)].map(([, image]) => image as string)
  return {
    count: objects.length,
    faults: [
      ...(verdicts.size === objects.length ? [] : ['objects have the same kind and name']),
      ...invalid.map(([object, message]) => `${object}: ${message}`),
      ...accepted.map(([object]) => `${object} is accepted with a member that its schema has not`),
      ...images
        .filter((image) => !/@sha256:[0-9a-f]{64}$/.test(image))
        .map((image) => `${image} is no digest`),
      ...manifestFaults(objects, composeFacts(root)),
    ],
  }
}

/** Each overlay, alone and with each component that it has not; the latter are written below `scratch`. */
function variants(scratch: string): Map<string, string> {
  const result = new Map<string, string>()
  for (const overlay of readdirSync(join(here, 'overlays'))) {
    const path = join(here, 'overlays', overlay)
    result.set(overlay, path)
    const text = readFileSync(join(path, 'kustomization.yaml'), 'utf8')
    for (const component of readdirSync(join(here, 'components'))) {
      if (text.includes(`components/${component}`)) continue
      const folder = join(scratch, `${overlay}-${component}`)
      mkdirSync(folder)
      const from = (target: string) => relative(folder, target)
      const kustomization = {
        apiVersion: 'kustomize.config.k8s.io/v1beta1',
        kind: 'Kustomization',
        namespace: 'governance',
        resources: [from(path)],
        components: [from(join(here, 'components', component))],
      }
      writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization))
      result.set(`${overlay} with ${component}`, folder)
    }
  }
  return result
}

function main(args: string[]): void {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { tools: { type: 'string' }, kubernetes: { type: 'string' } },
  })
  const { tools, kubernetes } = values
  if (!tools || !kubernetes)
    throw new Failure('Give --tools and --kubernetes; .ci/kubernetes does.')
  mkdirSync(join(root, '.data'), { recursive: true })
  // kustomize refuses paths outside of a checkout that are absolute, so this is inside of it.
  const scratch = mkdtempSync(join(root, '.data', 'kubernetes-'))
  try {
    writeSchemas(join(scratch, 'schemas'), kubernetes, positionals)
    const parts = {
      kustomize: join(tools, 'kustomize'),
      kubeconform: join(tools, 'kubeconform'),
      schemas: join(scratch, 'schemas', '{{ .ResourceKind }}{{ .KindSuffix }}.json'),
    }
    for (const [name, folder] of variants(scratch)) {
      const { faults, count } = check(parts, folder)
      console.log(`${name}: ${count} objects, ${faults.length} faults`)
      for (const fault of faults) console.error(`  ${fault}`)
      if (faults.length > 0) process.exitCode = 1
    }
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

try {
  main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Failure ? error.message : error)
  process.exitCode = 1
}
