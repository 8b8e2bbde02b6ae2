import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ContainerFacts, hardeningFaults } from '../smoke/hardening.ts'

const networks = [
  { Name: 'x_services', Internal: true },
  { Name: 'x_edge', Internal: false },
]

function container(name: string, change: (facts: ContainerFacts) => void = () => {}) {
  const oneShot = name === 'secrets' || name === 'db-migrate'
  const facts: ContainerFacts = {
    Id: name,
    Name: `/x_${name}_1`,
    Image: 'sha256:0',
    State: { Status: 'running', ExitCode: 0 },
    Config: {
      User: '1000:1000',
      Env: ['NODE_ENV=production', 'DATABASE_PASSWORD_FILE=/run/secrets/a'],
      Labels: { 'com.docker.compose.service': name },
      ...(!oneShot && { Healthcheck: { Test: ['CMD', 'node', 'check.js'] } }),
    },
    HostConfig: {
      Privileged: false,
      ReadonlyRootfs: true,
      CapAdd: null,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Tmpfs: { '/tmp': 'noexec,nosuid,nodev,size=16m' },
      Memory: 1,
      NanoCpus: 1,
      PidsLimit: 64,
      Init: true,
      NetworkMode: 'x_services',
      PidMode: '',
      IpcMode: 'private',
      UTSMode: '',
      Devices: null,
      PortBindings:
        name === 'mcp-gateway' ? { '8000/tcp': [{ HostIp: '127.0.0.1', HostPort: '1' }] } : {},
      RestartPolicy: { Name: oneShot ? '' : 'unless-stopped' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    },
    Mounts: [{ Type: 'bind', Source: '/srv/policies', Destination: '/app/policies', RW: false }],
    NetworkSettings: {
      Networks: name === 'mcp-gateway' ? { x_services: {}, x_edge: {} } : { x_services: {} },
    },
  }
  change(facts)
  return facts
}

const names = [
  'secrets',
  'db',
  'db-migrate',
  'mcp-lineage',
  'mcp-policy',
  'mcp-audit',
  'mcp-gateway',
]
const stackWith = (name: string, change: (facts: ContainerFacts) => void) =>
  names.map((each) => container(each, each === name ? change : undefined))

test('a hardened stack has no fault', () => {
  assert.deepEqual(
    hardeningFaults(
      names.map((name) => container(name)),
      networks,
    ),
    [],
  )
})

const weakened: [string, string, (facts: ContainerFacts) => void][] = [
  ['root by name', 'mcp-audit', (f) => Object.assign(f.Config, { User: 'node' })],
  ['root by number', 'mcp-audit', (f) => Object.assign(f.Config, { User: '0:0' })],
  ['a writable root', 'db', (f) => Object.assign(f.HostConfig, { ReadonlyRootfs: false })],
  ['a capability', 'db', (f) => Object.assign(f.HostConfig, { CapAdd: ['CHOWN'] })],
  ['capabilities kept', 'db', (f) => Object.assign(f.HostConfig, { CapDrop: ['KILL'] })],
  ['new privileges', 'db', (f) => Object.assign(f.HostConfig, { SecurityOpt: [] })],
  ['privilege', 'db', (f) => Object.assign(f.HostConfig, { Privileged: true })],
  ['the host’s network', 'mcp-audit', (f) => Object.assign(f.HostConfig, { NetworkMode: 'host' })],
  [
    'programs in /tmp',
    'db',
    (f) => Object.assign(f.HostConfig, { Tmpfs: { '/tmp': 'nosuid,nodev,size=1m' } }),
  ],
  [
    'an endless /tmp',
    'db',
    (f) => Object.assign(f.HostConfig, { Tmpfs: { '/tmp': 'noexec,nosuid,nodev' } }),
  ],
  ['no memory limit', 'db', (f) => Object.assign(f.HostConfig, { Memory: 0 })],
  ['no CPU limit', 'db', (f) => Object.assign(f.HostConfig, { NanoCpus: 0 })],
  ['no limit of processes', 'db', (f) => Object.assign(f.HostConfig, { PidsLimit: null })],
  ['no init', 'db', (f) => Object.assign(f.HostConfig, { Init: null })],
  ['no health check', 'mcp-audit', (f) => Object.assign(f.Config, { Healthcheck: undefined })],
  [
    'a shell as health check',
    'mcp-audit',
    (f) => Object.assign(f.Config, { Healthcheck: { Test: ['CMD-SHELL', 'true'] } }),
  ],
  [
    'curl as health check',
    'mcp-audit',
    (f) => Object.assign(f.Config, { Healthcheck: { Test: ['CMD', '/usr/bin/curl'] } }),
  ],
  [
    'no restart',
    'mcp-audit',
    (f) => Object.assign(f.HostConfig, { RestartPolicy: { Name: 'no' } }),
  ],
  [
    'a port of the database',
    'db',
    (f) =>
      Object.assign(f.HostConfig, {
        PortBindings: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: '5432' }] },
      }),
  ],
  [
    'a port for everybody',
    'mcp-gateway',
    (f) =>
      Object.assign(f.HostConfig, {
        PortBindings: { '8000/tcp': [{ HostIp: '0.0.0.0', HostPort: '80' }] },
      }),
  ],
  ['a way out', 'mcp-audit', (f) => Object.assign(f.NetworkSettings, { Networks: { x_edge: {} } })],
  [
    'a password in the environment',
    'db',
    (f) => Object.assign(f.Config, { Env: ['POSTGRES_PASSWORD=a'] }),
  ],
  [
    'a password in a URL',
    'mcp-audit',
    (f) => Object.assign(f.Config, { Env: ['DATABASE_URL=postgres://a:b@db/c'] }),
  ],
  ['a writable policy', 'mcp-policy', (f) => Object.assign(f.Mounts[0] as object, { RW: true })],
  [
    'the engine’s socket',
    'mcp-policy',
    (f) => Object.assign(f.Mounts[0] as object, { Source: '/var/run/docker.sock' }),
  ],
  [
    'an endless log',
    'mcp-audit',
    (f) => Object.assign(f.HostConfig, { LogConfig: { Type: 'json-file', Config: {} } }),
  ],
]

for (const [what, name, change] of weakened) {
  test(`${what} is one fault, of ${name}`, () => {
    const faults = hardeningFaults(stackWith(name, change), networks)
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.ok(faults[0]?.startsWith(`${name} fails: `))
  })
}

test('a container that is missing, and one that nobody knows, are faults', () => {
  const strange = container('backdoor')
  const rest = names.slice(1).map((name) => container(name))
  assert.deepEqual(hardeningFaults([...rest, strange], networks), [
    'backdoor is not a container that the list knows',
    'secrets is missing',
  ])
})
