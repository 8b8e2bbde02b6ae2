import { relative } from 'node:path'
import { type ContainerFacts, type NetworkFacts, serviceOf } from './container-facts.ts'
import { imageVariables, type Role, roles } from './container-roles.ts'

/** What a container is judged in. */
interface Stack {
  networks: readonly NetworkFacts[]
  /** The checkout that the compose file is of. */
  folder: string
}

type Rule = (facts: ContainerFacts, role: Role, stack: Stack) => boolean

const GIB = 1024 ** 3
const sorted = (list: readonly string[]) => list.toSorted().join(' ')
const isEmpty = (value: object | null | undefined) => Object.keys(value ?? {}).length === 0

/** What holds for every container, each with the sentence that says so. */
const rules: Record<string, Rule> = {
  'runs as its own numeric user, not root': ({ Config }, { user = '1000:1000' }) =>
    Config.User === user && /^[1-9][0-9]*:[1-9][0-9]*$/.test(user),
  'is in no other group than its role says': ({ HostConfig }, { groups = [] }) =>
    sorted(HostConfig.GroupAdd ?? []) === sorted(groups),
  'has a read-only root filesystem': ({ HostConfig }) => HostConfig.ReadonlyRootfs,
  'drops all capabilities and adds none': ({ HostConfig: { CapDrop, CapAdd } }) =>
    CapDrop?.join() === 'ALL' && !CapAdd?.length,
  'can gain no privileges, under the default profiles': ({ HostConfig: { SecurityOpt } }) =>
    SecurityOpt?.length === 1 && /^no-new-privileges(:true)?$/.test(SecurityOpt[0] ?? ''),
  'is not privileged and has no device': ({ HostConfig }) =>
    !HostConfig.Privileged && !HostConfig.Devices?.length && !HostConfig.DeviceCgroupRules?.length,
  'shares no namespace, neither with the host nor with another container': ({ HostConfig }) =>
    HostConfig.PidMode === '' &&
    HostConfig.UTSMode === '' &&
    HostConfig.UsernsMode === '' &&
    HostConfig.IpcMode === 'private' &&
    !/^(host|container:)/.test(HostConfig.NetworkMode),
  'changes no setting of the kernel, no name of a host, no group of limits': ({ HostConfig }) =>
    isEmpty(HostConfig.Sysctls) && isEmpty(HostConfig.ExtraHosts) && HostConfig.CgroupParent === '',
  'has temporary space without programs, setuid or devices, and of a small size': ({
    HostConfig,
  }) =>
    HostConfig.Tmpfs?.['/tmp'] !== undefined &&
    Object.values(HostConfig.Tmpfs).every((options) => {
      const words = options.split(',')
      const size = Number(/^size=([1-9][0-9]{0,2})m$/.exec(words[3] ?? '')?.[1])
      const rest = words.slice(4).every((word) => /^[ug]id=[1-9][0-9]*$/.test(word))
      return words.slice(0, 3).join() === 'noexec,nosuid,nodev' && size <= 256 && rest
    }),
  'has a limit of memory, and is ended where it passes it': ({ HostConfig }) =>
    HostConfig.Memory > 0 &&
    HostConfig.Memory <= 4 * GIB &&
    HostConfig.MemorySwap >= 0 &&
    HostConfig.MemorySwap <= 2 * HostConfig.Memory &&
    HostConfig.OomKillDisable !== true,
  'has a limit of CPU': ({ HostConfig }) => HostConfig.NanoCpus > 0 && HostConfig.NanoCpus <= 16e9,
  'has a limit of processes': ({ HostConfig }) =>
    (HostConfig.PidsLimit ?? 0) > 0 && (HostConfig.PidsLimit ?? 0) <= 1_000,
  'leaves no core dump': ({ HostConfig }) =>
    HostConfig.Ulimits?.some((limit) => limit.Name === 'core' && limit.Hard === 0) === true,
  'has an init process': ({ HostConfig }) => HostConfig.Init === true,
  'runs what its role says': ({ Config }, { command }) =>
    [...(Config.Entrypoint ?? []), ...(Config.Cmd ?? [])].join(' ') === command,
  'has the health check that its role says, without shell or curl': ({ Config }, { health }) => {
    const [kind, ...program] = Config.Healthcheck?.Test ?? ['NONE']
    return health === undefined ? kind === 'NONE' : kind === 'CMD' && program.join(' ') === health
  },
  'is restarted, unless it ends by itself': ({ HostConfig }, role) =>
    ['', 'no'].includes(HostConfig.RestartPolicy.Name) === (role.oneShot === true),
  'publishes what its role says, on loopback': ({ HostConfig }, { published = [] }) => {
    const bindings = Object.entries(HostConfig.PortBindings ?? {})
    return (
      sorted(bindings.map(([port]) => port)) === sorted(published) &&
      bindings.every(([, list]) => list?.length === 1 && list[0]?.HostIp === '127.0.0.1')
    )
  },
  'is on the networks that its role says, all but the published one without a way out': (
    { NetworkSettings },
    role,
    stack,
  ) => {
    const names = Object.keys(NetworkSettings.Networks)
    const short = names.map((name) => name.replace(/^.*_/, ''))
    const isClosed = (name: string) =>
      /(^|_)(none|edge)$/.test(name) || stack.networks.some((n) => n.Name === name && n.Internal)
    return sorted(short) === sorted(role.networks) && names.every(isClosed)
  },
  'has the variables that its role says': ({ Config }, role) =>
    (Config.Env ?? [])
      .map((line) => line.split('=', 1)[0] as string)
      .every((name) => imageVariables.includes(name) || role.environment.includes(name)),
  'has no password in a variable': ({ Config }) =>
    (Config.Env ?? []).every((line) => !/:\/\/[^/@]*:[^/@]+@|[?&]password=/i.test(line)),
  'has the mounts that its role says': ({ Mounts }, { mounts }, { folder }) =>
    sorted(Mounts.map((mount) => mountText(mount, folder))) === sorted(mounts),
  'rotates its log': ({ HostConfig: { LogConfig } }) =>
    LogConfig.Type === 'json-file' &&
    /^[1-9][0-9]?m$/.test(LogConfig.Config?.['max-size'] ?? '') &&
    /^[2-9]$/.test(LogConfig.Config?.['max-file'] ?? ''),
}

/** As the roles write it: a volume without the project's name, a folder relative to the checkout. */
function mountText(mount: ContainerFacts['Mounts'][number], folder: string): string {
  const { Type, Name = '', Source, Destination, RW } = mount
  const sources: Record<string, string> = {
    volume: Name.replace(/^[^_]*_/, ''),
    bind: relative(folder, Source) || '.',
  }
  return `${sources[Type] ?? Type}:${Destination}:${RW ? 'rw' : 'ro'}`
}

/** How many rules there are. */
export const ruleCount = Object.keys(rules).length

/**
 * What a running stack does not meet, one line for each container and rule; empty when it is hardened. A
 * container that nobody has written a role for meets nothing.
 */
export function hardeningFaults(containers: readonly ContainerFacts[], stack: Stack): string[] {
  const faults = containers.flatMap((facts) => {
    const name = serviceOf(facts)
    const role = roles[name]
    if (!role) return [`${name} is not a container that the list knows`]
    return Object.entries(rules)
      .filter(([, holds]) => !holds(facts, role, stack))
      .map(([sentence]) => `${name} fails: ${sentence}`)
  })
  const found = containers.map(serviceOf)
  const missing = Object.keys(roles).filter((name) => !found.includes(name))
  return [...faults, ...missing.map((name) => `${name} is missing`)]
}
