import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { arrowsOf } from '../k8s/arrows.ts'
import { composeFacts } from '../k8s/compose-facts.ts'
import { closed, schemasOf } from '../k8s/crd-schema.ts'
import type { Container, KubernetesObject, NetworkRule, PodSpec } from '../k8s/objects.ts'
import { manifestFaults } from '../k8s/rules.ts'
import { roles } from '../smoke/container-roles.ts'
import { kustomized } from '../test-support/kustomized.ts'
import { parseYaml } from './yaml.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = join(root, 'infra/k8s')
const compose = composeFacts(root)
const overlay = (name: string) => kustomized(join(folder, 'overlays', name))
const OVERLAYS = ['cnpg', 'managed']

for (const name of OVERLAYS) {
  test(`the overlay ${name} is as hardened as the compose stack, and opens no other ways`, () => {
    assert.deepEqual(manifestFaults(overlay(name), compose), [])
  })
}

test('the ways between pods are these, and each is open at both ends', () => {
  const { out, in: into } = arrowsOf(overlay('cnpg'))
  const between = [...out].filter((arrow) => !arrow.startsWith('db >')).sort()
  assert.deepEqual(between, [
    'db-migrate > db:5432',
    'mcp-audit > db:5432',
    'mcp-gateway > mcp-audit:8000',
    'mcp-gateway > mcp-lineage:8000',
    'mcp-gateway > mcp-policy:8000',
    'mcp-lineage > db:5432',
    'mcp-policy > mcp-audit:8000',
  ])
  assert.deepEqual(out, into)
})

test('each pod has every mount of its container in the compose stack', () => {
  for (const { metadata, spec } of overlay('cnpg').filter((one) => one.spec?.template)) {
    const mounts = spec?.template?.spec.containers[0]?.volumeMounts ?? []
    const told = mounts.map(({ mountPath, readOnly }) => `${mountPath}:${readOnly ? 'ro' : 'rw'}`)
    const wanted = roles[metadata.name]?.mounts.map((text) => text.replace(/^[^:]+:/, ''))
    assert.deepEqual(told.sort(), wanted?.sort(), metadata.name)
  }
})

test('every image that a pod names is given a digest, and the database a version', () => {
  const { images } = parseYaml(
    readFileSync(join(folder, 'components/images/kustomization.yaml'), 'utf8'),
  ) as { images: { name: string; digest: string }[] }
  for (const { digest } of images) assert.match(digest, /^sha256:[0-9a-f]{64}$/)
  const named = overlay('cnpg').flatMap(({ spec }) => spec?.template?.spec.containers ?? [])
  assert.deepEqual(images.map(({ name }) => name).sort(), named.map(({ image }) => image).sort())
  const cluster = overlay('cnpg').find(({ kind }) => kind === 'Cluster')
  assert.match(String(cluster?.spec?.imageName), /:18\.\d+-[a-z]+-[a-z]+(@sha256:[0-9a-f]{64})?$/)
})

test('the database waits for a standby before it answers, and is backed up from the first day', () => {
  const objects = overlay('cnpg')
  const cluster = objects.find(({ kind }) => kind === 'Cluster')
  const { synchronous } = (cluster?.spec?.postgresql ?? {}) as Record<string, unknown>
  assert.deepEqual(synchronous, {
    ...{ method: 'any', number: 1 },
    ...{ dataDurability: 'required', failoverQuorum: true },
  })
  assert.equal(cluster?.spec?.instances, 3)
  const backup = objects.find(({ kind }) => kind === 'ScheduledBackup')
  assert.deepEqual([backup?.spec?.method, backup?.spec?.immediate], ['plugin', true])
})

interface Reference {
  name?: string
  secretName?: string
  key?: string
  items?: { key: string }[]
}

/** Names of secrets and settings that a manifest refers to, and of the keys in them. */
function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, part]) => {
    const { name: own, secretName, key, items } = (part ?? {}) as Reference
    const isReference = /^(secret|configMap|accessKeyId|secretAccessKey)$/.test(name)
    const keys = [key, ...(items ?? []).map((item) => item.key)]
    return isReference
      ? [own ?? secretName, ...keys].filter((text) => text !== undefined)
      : referencesIn(part)
  })
}

test('README.md names every secret and every setting that a manifest asks for, with its keys', () => {
  const readme = readFileSync(join(folder, 'README.md'), 'utf8')
  const names = new Set(referencesIn(overlay('cnpg')))
  assert.ok(names.size > 20, [...names].join())
  assert.deepEqual(
    [...names, 'gateway-tls', 'witnesses'].filter((name) => !readme.includes(`\`${name}\``)),
    [],
  )
})

type Change = (objects: KubernetesObject[]) => void

const find = (objects: KubernetesObject[], kind: string, name: string) =>
  objects.find((one) => one.kind === kind && one.metadata.name === name) as KubernetesObject
const pod = (change: (pod: PodSpec, container: Container) => void): Change => {
  return (objects) => {
    const spec = find(objects, 'Deployment', 'mcp-audit').spec?.template?.spec as PodSpec
    change(spec, spec.containers[0] as Container)
  }
}
const without = (kind: string, name: string): Change => {
  return (objects) => void objects.splice(objects.indexOf(find(objects, kind, name)), 1)
}
const set = (name: string, value: string): Change =>
  pod((_, { env = [] }) => {
    const found = env.find((variable) => variable.name === name)
    if (found) found.value = value
    else env.push({ name, value })
  })
const rule = (name: string, way: 'ingress' | 'egress', added: NetworkRule): Change => {
  return (objects) => {
    const { spec } = find(objects, 'NetworkPolicy', name)
    if (spec) spec[way] = [...(spec[way] ?? []), added]
  }
}
const audit = { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'mcp-audit' } } }
const url = (query: string) => `postgres://audit_service@db-rw:5432/governance${query}`
const ca = 'sslrootcert=/run/secrets/mcp-audit/database_ca.crt'

const weakened: [what: string, fault: RegExp, change: Change][] = [
  ['root', /fails: runs as the user/, pod((spec) => Object.assign(spec, { securityContext: {} }))],
  [
    'a writable root',
    /drops what/,
    pod((_, one) => Object.assign(one.securityContext ?? {}, { readOnlyRootFilesystem: false })),
  ],
  [
    'a capability',
    /drops what/,
    pod((_, one) =>
      Object.assign(one.securityContext ?? {}, { capabilities: { add: ['NET_RAW'] } }),
    ),
  ],
  [
    'a token',
    /no token/,
    pod((spec) => Object.assign(spec, { automountServiceAccountToken: true })),
  ],
  [
    'variables of Services',
    /about Services/,
    pod((spec) => Object.assign(spec, { enableServiceLinks: true })),
  ],
  [
    'the network of the node',
    /with its node/,
    pod((spec) => Object.assign(spec, { hostNetwork: true })),
  ],
  [
    'a folder of the node',
    /volumes/,
    pod((spec) => spec.volumes?.push({ name: 'x', hostPath: { path: '/' } })),
  ],
  ['another container', /one container/, pod((spec, one) => spec.containers.push(one))],
  ['no limit', /has limits/, pod((_, one) => Object.assign(one, { resources: {} }))],
  [
    'a debugger',
    /what its image runs/,
    pod((_, one) => Object.assign(one, { command: ['node', '--inspect'] })),
  ],
  [
    'a mount',
    /mounts of its role/,
    pod((_, one) => one.volumeMounts?.push({ name: 'x', mountPath: '/x' })),
  ],
  [
    'a writable key',
    /mounts of its role/,
    pod((_, one) => Object.assign(one.volumeMounts?.[1] ?? one, { readOnly: false })),
  ],
  ['a variable', /has NODE_OPTIONS/, set('NODE_OPTIONS', '--inspect')],
  ['another value', /has METRICS_PORT=8000/, set('METRICS_PORT', '8000')],
  [
    'a password',
    /DATABASE_URL/,
    set('DATABASE_URL', url(`?sslmode=verify-full&${ca}`).replace('@', ':x@')),
  ],
  [
    'another login',
    /DATABASE_URL/,
    set('DATABASE_URL', url(`?sslmode=verify-full&${ca}`).replace('audit_service', 'governance')),
  ],
  ['TLS without a name', /DATABASE_URL/, set('DATABASE_URL', url(`?sslmode=require&${ca}`))],
  ['no TLS', /DATABASE_URL/, set('DATABASE_URL', url(''))],
  [
    'variables of a map',
    /from elsewhere/,
    pod((_, one) => Object.assign(one, { envFrom: [{ secretRef: { name: 'x' } }] })),
  ],
  ['no liveness', /has started/, pod((_, one) => delete one.livenessProbe)],
  [
    'an end too soon',
    /time to stop/,
    pod((spec) => Object.assign(spec, { terminationGracePeriodSeconds: 9 })),
  ],
  ['one node', /spread/, pod((spec) => delete spec.topologySpreadConstraints)],
  ['no budget', /PodDisruptionBudget/, without('PodDisruptionBudget', 'mcp-audit')],
  ['no Service', /has a Service/, without('Service', 'mcp-audit')],
  ['no Deployment', /mcp-audit is missing/, without('Deployment', 'mcp-audit')],
  ['no denial', /denies what/, without('NetworkPolicy', 'default-deny')],
  [
    'a way in that nobody has out',
    /mcp-audit > mcp-lineage:8000 is open at one end/,
    rule('mcp-lineage', 'ingress', { from: [audit], ports: [{ port: 8000 }] }),
  ],
  [
    'a way to the database',
    /mcp-policy > db:5432 is no way/,
    rule('mcp-policy', 'egress', {
      to: [{ podSelector: { matchLabels: { 'cnpg.io/cluster': 'db' } } }],
      ports: [{ port: 5432 }],
    }),
  ],
  [
    'another port',
    /mcp-policy > mcp-audit:9100 is no way/,
    rule('mcp-policy', 'egress', { to: [audit], ports: [{ port: 9100 }] }),
  ],
  ['everybody', /for everybody/, rule('mcp-audit', 'ingress', { ports: [{ port: 8000 }] })],
  [
    'every pod',
    /for everybody/,
    rule('mcp-audit', 'ingress', { from: [{ podSelector: {} }], ports: [{ port: 8000 }] }),
  ],
  ['every port', /every port/, rule('mcp-audit', 'ingress', { from: [audit] })],
  [
    'a secret',
    /stands in a manifest/,
    (objects) => objects.push({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } }),
  ],
  [
    'a replaced pod that leaves a gap',
    /while it is replaced/,
    (objects) =>
      Object.assign(find(objects, 'Deployment', 'mcp-audit').spec ?? {}, {
        strategy: { type: 'Recreate' },
      }),
  ],
  [
    'replicas beside an autoscaler',
    /autoscaler/,
    (objects) =>
      Object.assign(find(objects, 'Deployment', 'mcp-gateway').spec ?? {}, { replicas: 3 }),
  ],
]

describe('a manifest that is weakened has a fault:', () => {
  for (const [what, fault, change] of weakened) {
    test(what, () => {
      const objects = overlay('cnpg')
      change(objects)
      const faults = manifestFaults(objects, compose)
      assert.ok(
        faults.some((text) => fault.test(text)),
        faults.join('\n'),
      )
    })
  }
})

test('a schema of a CustomResourceDefinition takes no member that it does not name, at any depth', () => {
  const inner = { type: 'object', properties: { port: { 'x-kubernetes-int-or-string': true } } }
  const open = { type: 'object', properties: {}, 'x-kubernetes-preserve-unknown-fields': true }
  const schema = {
    properties: { items: { items: inner }, open, map: { additionalProperties: inner } },
  }
  const port = {
    'x-kubernetes-int-or-string': true,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
  }
  const strict = { type: 'object', properties: { port }, additionalProperties: false }
  assert.deepEqual(closed(schema), {
    properties: { items: { items: strict }, open, map: { additionalProperties: strict } },
    additionalProperties: false,
  })
  const versions = [{ name: 'v1', schema: { openAPIV3Schema: {} } }, { name: 'v2' }]
  const definition = { spec: { group: 'a.example.org', names: { kind: 'Thing' }, versions } }
  assert.deepEqual([...schemasOf(definition).keys()], ['thing-a-v1.json'])
})
