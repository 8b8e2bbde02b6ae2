import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { KubernetesObject } from '../k8s/objects.ts'
import { parseYaml, parseYamlDocuments } from '../test/yaml.ts'

interface Operation {
  op: string
  path: string
  value: unknown
}

interface Kustomization {
  resources?: string[]
  patches?: { path?: string; patch?: string; target: { kind?: string; name?: string } }[]
}

const read = (path: string) => readFileSync(path, 'utf8')

/**
 * The objects of a kustomization with its JSON patches, for tests on machines without kustomize: it knows what
 * `infra/k8s/base` and the overlays use (resources, and patches that add, replace or test) and no components.
 */
export function kustomized(folder: string): KubernetesObject[] {
  const file = join(folder, 'kustomization.yaml')
  const { resources = [], patches = [] } = parseYaml(read(file)) as Kustomization
  const objects = resources.flatMap((name) => {
    const path = join(folder, name)
    return name.endsWith('.yaml')
      ? (parseYamlDocuments(read(path)) as KubernetesObject[])
      : kustomized(path)
  })
  for (const { path, patch = '', target } of patches) {
    const text = path ? read(join(dirname(file), path)) : patch
    const isTarget = ({ kind, metadata }: KubernetesObject) =>
      new RegExp(`^(${target.kind ?? '.*'})$`).test(kind) &&
      new RegExp(`^(${target.name ?? '.*'})$`).test(metadata.name)
    for (const object of objects.filter(isTarget)) {
      for (const operation of parseYaml(text) as Operation[]) apply(object, operation)
    }
  }
  return objects
}

/** One operation of RFC 6902. */
function apply(object: unknown, { op, path, value }: Operation): void {
  const names = path.slice(1).split('/')
  const last = names.pop() as string
  const parent = names.reduce(
    (at, name) => (at as Record<string, unknown>)[name],
    object,
  ) as Record<string, unknown>
  if (op === 'test') {
    if (parent[last] !== value) throw new Error(`${path} is not ${String(value)}`)
  } else if (op !== 'add' && op !== 'replace') {
    throw new Error(`The operation ${op} is not known here: add it.`)
  } else if (Array.isArray(parent) && last === '-') {
    parent.push(structuredClone(value))
  } else {
    parent[last] = structuredClone(value)
  }
}
