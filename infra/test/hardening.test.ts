import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerFacts } from '../smoke/container-facts.ts'
import { roles } from '../smoke/container-roles.ts'
import { hardeningFaults } from '../smoke/hardening.ts'

const folder = '/srv/checkout'
const networks = [
  { Name: 'x_services', Internal: true },
  { Name: 'x_database', Internal: true },
  { Name: 'x_edge', Internal: false },
]
const names = Object.keys(roles)

/** What `docker inspect` says of a container that has just what its role gives it. */
function container(name: string): ContainerFacts {
  const role = roles[name]
  assert.ok(role)
  return {
    Id: name,
    Name: `/x_${name}_1`,
    Image: 'sha256:0',
    State: { Status: 'running', ExitCode: 0 },
    Config: {
      User: role.user ?? '1000:1000',
      Env: ['PATH=/bin', ...role.environment.map((variable) => `${variable}=value`)],
      Entrypoint: null,
      Cmd: role.command.split(' '),
      Labels: { 'com.docker.compose.service': name },
      ...(role.health && { Healthcheck: { Test: ['CMD', ...role.health.split(' ')] } }),
    },
    HostConfig: {
      Privileged: false,
      ReadonlyRootfs: true,
      CapAdd: null,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      GroupAdd: role.groups ? [...role.groups] : null,
      Tmpfs: { '/tmp': 'noexec,nosuid,nodev,size=16m' },
      Memory: 2 ** 28,
      MemorySwap: 2 ** 29,
      OomKillDisable: false,
      NanoCpus: 1e9,
      PidsLimit: 64,
      Ulimits: [{ Name: 'core', Hard: 0, Soft: 0 }],
      Init: true,
      NetworkMode: 'x_services',
      PidMode: '',
      IpcMode: 'private',
      UTSMode: '',
      UsernsMode: '',
      CgroupParent: '',
      Sysctls: null,
      ExtraHosts: null,
      Devices: null,
      DeviceCgroupRules: null,
      PortBindings: Object.fromEntries(
        (role.published ?? []).map((port) => [port, [{ HostIp: '127.0.0.1', HostPort: '1' }]]),
      ),
      RestartPolicy: { Name: role.oneShot ? '' : 'unless-stopped' },
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    },
    Mounts: role.mounts.map(mountFacts),
    NetworkSettings: {
      Networks: Object.fromEntries(
        role.networks.map((network) => [network === 'none' ? network : `x_${network}`, {}]),
      ),
    },
  }
}

function mountFacts(text: string): ContainerFacts['Mounts'][number] {
  const [source = '', Destination = '', mode] = text.split(':')
  const isVolume = /^(secrets|db|signer)-/.test(source)
  return {
    Type: isVolume ? 'volume' : 'bind',
    ...(isVolume && { Name: `x_${source}` }),
    Source: isVolume ? `/var/lib/docker/volumes/x_${source}` : `${folder}/${source}`,
    Destination,
    RW: mode === 'rw',
  }
}

type Change = (facts: ContainerFacts) => unknown
const host = (values: object) => (facts: ContainerFacts) => Object.assign(facts.HostConfig, values)
const config = (values: object) => (facts: ContainerFacts) => Object.assign(facts.Config, values)
const variable = (line: string) => (facts: ContainerFacts) => facts.Config.Env?.push(line)
const mount = (text: string, source?: string) => (facts: ContainerFacts) =>
  facts.Mounts.push({ ...mountFacts(text), ...(source && { Source: source }) })
const tmp = (options: string) => host({ Tmpfs: { '/tmp': options } })

const weakened: [string, string, Change][] = [
  ['root by name', 'mcp-audit', config({ User: 'root' })],
  ['root by number', 'mcp-audit', config({ User: '0:0' })],
  ['another user', 'db', config({ User: '1000:1000' })],
  ['the group of root', 'mcp-audit', host({ GroupAdd: ['0'] })],
  ['a writable root', 'db', host({ ReadonlyRootfs: false })],
  ['a capability', 'db', host({ CapAdd: ['CHOWN'] })],
  ['capabilities kept', 'db', host({ CapDrop: ['KILL'] })],
  ['new privileges', 'db', host({ SecurityOpt: [] })],
  ['no seccomp', 'db', host({ SecurityOpt: ['no-new-privileges:true', 'seccomp:unconfined'] })],
  ['privilege', 'db', host({ Privileged: true })],
  ['a device', 'db', host({ DeviceCgroupRules: ['a *:* rwm'] })],
  ['the host’s network', 'mcp-audit', host({ NetworkMode: 'host' })],
  ['the processes of another', 'mcp-audit', host({ PidMode: 'container:db' })],
  ['a shareable IPC', 'mcp-audit', host({ IpcMode: 'shareable' })],
  ['the host’s users', 'mcp-audit', host({ UsernsMode: 'host' })],
  ['a setting of the kernel', 'db', host({ Sysctls: { 'net.ipv4.ip_forward': '1' } })],
  ['a name of a host', 'mcp-gateway', host({ ExtraHosts: ['mcp-audit:1.2.3.4'] })],
  ['programs in /tmp', 'db', tmp('nosuid,nodev,size=16m')],
  ['programs in /tmp after all', 'db', tmp('noexec,nosuid,nodev,size=16m,exec')],
  ['an endless /tmp', 'db', tmp('noexec,nosuid,nodev,size=0')],
  ['a huge /tmp', 'db', tmp('noexec,nosuid,nodev,size=999g')],
  ['no memory limit', 'db', host({ Memory: 0 })],
  ['endless swap', 'db', host({ MemorySwap: -1 })],
  ['no end at the limit', 'db', host({ OomKillDisable: true })],
  ['no CPU limit', 'db', host({ NanoCpus: 0 })],
  ['no limit of processes', 'db', host({ PidsLimit: null })],
  ['a limit of processes that limits nothing', 'db', host({ PidsLimit: 4_000_000 })],
  ['core dumps', 'db', host({ Ulimits: null })],
  ['no init', 'db', host({ Init: null })],
  [
    'a debugger',
    'mcp-audit',
    config({ Cmd: ['node', '--inspect', 'services/mcp-audit/src/main.ts'] }),
  ],
  ['a database without a flush', 'db', (facts) => facts.Config.Cmd?.push('-c', 'fsync=off')],
  ['no health check', 'mcp-audit', config({ Healthcheck: undefined })],
  [
    'a shell as health check',
    'mcp-audit',
    config({ Healthcheck: { Test: ['CMD-SHELL', 'true'] } }),
  ],
  [
    'an empty health check',
    'mcp-audit',
    config({ Healthcheck: { Test: ['CMD', 'node', '-e', '0'] } }),
  ],
  ['no restart', 'mcp-audit', host({ RestartPolicy: { Name: 'no' } })],
  [
    'a port of the database',
    'db',
    host({ PortBindings: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: '1' }] } }),
  ],
  [
    'a port for everybody',
    'mcp-gateway',
    host({ PortBindings: { '8000/tcp': [{ HostIp: '0.0.0.0', HostPort: '1' }] } }),
  ],
  [
    'a way out',
    'mcp-audit',
    (facts) => Object.assign(facts.NetworkSettings.Networks, { x_edge: {} }),
  ],
  [
    'the network of the database',
    'mcp-gateway',
    (facts) => Object.assign(facts.NetworkSettings.Networks, { x_database: {} }),
  ],
  ['a password in a variable', 'db', variable('POSTGRES_PASSWORD=a')],
  ['a password by another name', 'db', variable('DB_PW=a')],
  ['options for Node', 'mcp-audit', variable('NODE_OPTIONS=--inspect=0.0.0.0')],
  ['trust', 'db', variable('POSTGRES_HOST_AUTH_METHOD=trust')],
  ['a password in a URL', 'mcp-audit', config({ Env: ['DATABASE_URL=postgres://a:b@db/c'] })],
  [
    'a password in a query',
    'mcp-audit',
    config({ Env: ['DATABASE_URL=postgres://a@db/c?password=b'] }),
  ],
  [
    'a writable policy',
    'mcp-policy',
    (facts) => Object.assign(facts.Mounts[1] as object, { RW: true }),
  ],
  ['the signing key', 'mcp-gateway', mount('signer-key:/signer/key:ro')],
  ['another’s secrets', 'mcp-audit', mount('secrets-db:/run/secrets/db:ro')],
  ['the data of the database', 'mcp-policy', mount('db-data:/data:ro')],
  ['the checkout', 'mcp-gateway', mount('.:/checkout:ro')],
  ['the engine’s socket', 'mcp-policy', mount('x:/run/docker.sock:ro', '/run/docker.sock')],
  ['the engine’s data', 'mcp-policy', mount('x:/docker:ro', '/var/lib/docker')],
  ['an endless log', 'mcp-audit', host({ LogConfig: { Type: 'json-file', Config: {} } })],
  [
    'a huge log',
    'mcp-audit',
    host({ LogConfig: { Type: 'json-file', Config: { 'max-size': '100g', 'max-file': '3' } } }),
  ],
]

test('a hardened stack has no fault', () => {
  assert.deepEqual(hardeningFaults(names.map(container), { networks, folder }), [])
})

for (const [what, name, change] of weakened) {
  test(`${what} is one fault, of ${name}`, () => {
    const containers = names.map(container)
    change(containers[names.indexOf(name)] as ContainerFacts)
    const faults = hardeningFaults(containers, { networks, folder })
    assert.equal(faults.length, 1, faults.join('\n'))
    assert.ok(faults[0]?.startsWith(`${name} fails: `))
  })
}

test('a network that is open is a fault of all that are on it', () => {
  const opened = networks.map((network) => ({ ...network, Internal: false }))
  const faults = hardeningFaults(names.map(container), { networks: opened, folder })
  assert.equal(faults.length, names.length - 1)
})

test('a container that is missing, and one that nobody knows, are faults', () => {
  const strange = container('mcp-audit')
  strange.Config.Labels = { 'com.docker.compose.service': 'backdoor' }
  const rest = names.slice(1).map(container)
  assert.deepEqual(hardeningFaults([...rest, strange], { networks, folder }), [
    'backdoor is not a container that the list knows',
    'secrets is missing',
  ])
})
