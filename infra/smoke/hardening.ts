/** The part of `docker inspect` on a container that is judged. */
export interface ContainerFacts {
  Id: string
  Name: string
  Image: string
  State: { Status: string; ExitCode: number; Health?: { Status: string } }
  Config: {
    User: string
    Env: string[] | null
    Labels: Record<string, string>
    Healthcheck?: { Test: string[] }
  }
  HostConfig: {
    Privileged: boolean
    ReadonlyRootfs: boolean
    CapAdd: string[] | null
    CapDrop: string[] | null
    SecurityOpt: string[] | null
    Tmpfs: Record<string, string> | null
    Memory: number
    NanoCpus: number
    PidsLimit: number | null
    Init: boolean | null
    NetworkMode: string
    PidMode: string
    IpcMode: string
    UTSMode: string
    Devices: unknown[] | null
    PortBindings: Record<string, { HostIp: string; HostPort: string }[] | null> | null
    RestartPolicy: { Name: string }
    LogConfig: { Type: string; Config: Record<string, string> | null }
  }
  Mounts: { Type: string; Source: string; Destination: string; RW: boolean }[]
  NetworkSettings: { Networks: Record<string, unknown> }
}

/** The compose service that a container is of. */
export function serviceOf({ Config, Name }: ContainerFacts): string {
  return Config.Labels['com.docker.compose.service'] ?? Name
}

export interface NetworkFacts {
  Name: string
  Internal: boolean
}

/** What a container is allowed that the others are not. */
interface Role {
  /** Ends by itself, so it has no health and is not restarted. */
  oneShot?: true
  /** Publishes a port on loopback, and so has one network with a way out. */
  front?: true
  /** Volumes that it may write to, by where they are mounted. */
  writes?: RegExp
}

const roles: Record<string, Role> = {
  secrets: { oneShot: true, writes: /^\/secrets\// },
  'db-migrate': { oneShot: true },
  db: { writes: /^\/var\/lib\/postgresql$/ },
  'mcp-lineage': {},
  'mcp-policy': {},
  'mcp-audit': {},
  'mcp-gateway': { front: true },
}

type Rule = (facts: ContainerFacts, role: Role, networks: ReadonlyMap<string, boolean>) => boolean

/** What holds for every container, each with the sentence that says so. */
const rules: Record<string, Rule> = {
  'runs as a numeric user other than root': ({ Config }) =>
    /^[1-9][0-9]*:[1-9][0-9]*$/.test(Config.User),
  'has a read-only root filesystem': ({ HostConfig }) => HostConfig.ReadonlyRootfs,
  'drops all capabilities and adds none': ({ HostConfig: { CapDrop, CapAdd } }) =>
    CapDrop?.join() === 'ALL' && !CapAdd?.length,
  'can gain no privileges': ({ HostConfig }) =>
    HostConfig.SecurityOpt?.some((option) => /^no-new-privileges(:true)?$/.test(option)) === true,
  'is not privileged and has no device': ({ HostConfig }) =>
    !HostConfig.Privileged && !HostConfig.Devices?.length,
  'shares no namespace with the host': ({ HostConfig }) =>
    [HostConfig.NetworkMode, HostConfig.PidMode, HostConfig.IpcMode, HostConfig.UTSMode].every(
      (mode) => mode !== 'host',
    ),
  'has temporary space without programs, setuid or devices, and of a stated size': ({
    HostConfig,
  }) =>
    Object.values(HostConfig.Tmpfs ?? {}).every(
      (options) =>
        ['noexec', 'nosuid', 'nodev'].every((word) => options.split(',').includes(word)) &&
        /(^|,)size=\d+[km]?/.test(options),
    ) && HostConfig.Tmpfs?.['/tmp'] !== undefined,
  'has a memory limit': ({ HostConfig }) => HostConfig.Memory > 0,
  'has a CPU limit': ({ HostConfig }) => HostConfig.NanoCpus > 0,
  'has a limit of processes': ({ HostConfig }) => (HostConfig.PidsLimit ?? 0) > 0,
  'has an init process': ({ HostConfig }) => HostConfig.Init === true,
  'has a health check without shell or curl, unless it ends by itself': ({ Config }, role) => {
    const [kind, program = ''] = Config.Healthcheck?.Test ?? []
    if (role.oneShot) return kind === undefined || kind === 'NONE'
    return kind === 'CMD' && !/(^|\/)(ba|da)?sh$|curl|wget/.test(program)
  },
  'is restarted, unless it ends by itself': ({ HostConfig }, role) =>
    ['', 'no'].includes(HostConfig.RestartPolicy.Name) === (role.oneShot === true),
  'publishes no port, or the gateway one on loopback': ({ HostConfig }, role) => {
    const bindings = Object.values(HostConfig.PortBindings ?? {}).flatMap((list) => list ?? [])
    if (!role.front) return bindings.length === 0
    return bindings.length === 1 && bindings[0]?.HostIp === '127.0.0.1'
  },
  'is on internal networks alone, but for the gateway’s published port': (
    facts,
    role,
    networks,
  ) => {
    const { HostConfig, NetworkSettings } = facts
    if (HostConfig.NetworkMode === 'none') return true
    const names = Object.keys(NetworkSettings.Networks)
    const open = names.filter((name) => networks.get(name) !== true)
    return names.length > 0 && open.length === (role.front ? 1 : 0)
  },
  'has secrets as files, not in its environment': ({ Config }) =>
    (Config.Env ?? []).every((line) => {
      const [name = '', value = ''] = line.split(/=(.*)/s)
      const isFile = /_(FILE|PATH)$/.test(name)
      const isSecret = /PASS(WORD)?|SECRET|TOKEN|CREDENTIAL|PRIVATE|(^|_)KEY/i.test(name)
      return (isFile || !isSecret) && !/:\/\/[^/@]*:[^/@]+@/.test(value)
    }),
  'writes to no mount but its own data': ({ Mounts }, role) =>
    Mounts.filter(({ Type }) => Type !== 'tmpfs').every(
      ({ Type, RW, Destination }) =>
        !RW || (Type === 'volume' && role.writes?.test(Destination) === true),
    ),
  'cannot reach the engine': ({ Mounts }) =>
    Mounts.every(({ Source }) => !/docker\.sock|^\/(etc|proc|sys|var|run|root)?$/.test(Source)),
  'rotates its log': ({ HostConfig: { LogConfig } }) =>
    LogConfig.Type === 'local' ||
    (LogConfig.Type === 'json-file' &&
      LogConfig.Config?.['max-size'] !== undefined &&
      Number(LogConfig.Config['max-file']) > 1),
}

/** How many rules there are. */
export const ruleCount = Object.keys(rules).length

/**
 * What a stack does not meet, one line for each container and rule; empty when it is hardened. A container
 * that nobody has written a role for meets nothing.
 */
export function hardeningFaults(
  containers: readonly ContainerFacts[],
  networks: readonly NetworkFacts[],
): string[] {
  const internal = new Map(networks.map(({ Name, Internal }) => [Name, Internal]))
  const found = new Set<string>()
  const faults = containers.flatMap((facts) => {
    const name = serviceOf(facts)
    found.add(name)
    const role = roles[name]
    if (!role) return [`${name} is not a container that the list knows`]
    return Object.entries(rules)
      .filter(([, holds]) => !holds(facts, role, internal))
      .map(([sentence]) => `${name} fails: ${sentence}`)
  })
  const missing = Object.keys(roles).filter((name) => !found.has(name))
  return [...faults, ...missing.map((name) => `${name} is missing`)]
}
