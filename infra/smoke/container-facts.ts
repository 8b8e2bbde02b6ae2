/** The part of `docker inspect` on a container that is judged. */
export interface ContainerFacts {
  Id: string
  Name: string
  Image: string
  State: { Status: string; ExitCode: number; Health?: { Status: string } }
  Config: {
    User: string
    Env: string[] | null
    Cmd: string[] | null
    Entrypoint: string[] | null
    Labels: Record<string, string>
    Healthcheck?: { Test: string[] }
  }
  HostConfig: {
    Privileged: boolean
    ReadonlyRootfs: boolean
    CapAdd: string[] | null
    CapDrop: string[] | null
    SecurityOpt: string[] | null
    GroupAdd: string[] | null
    Tmpfs: Record<string, string> | null
    Memory: number
    MemorySwap: number
    OomKillDisable: boolean | null
    NanoCpus: number
    PidsLimit: number | null
    Ulimits: { Name: string; Hard: number; Soft: number }[] | null
    Init: boolean | null
    NetworkMode: string
    PidMode: string
    IpcMode: string
    UTSMode: string
    UsernsMode: string
    CgroupParent: string
    Sysctls: Record<string, string> | null
    ExtraHosts: string[] | null
    Devices: unknown[] | null
    DeviceCgroupRules: string[] | null
    PortBindings: Record<string, { HostIp: string; HostPort: string }[] | null> | null
    RestartPolicy: { Name: string }
    LogConfig: { Type: string; Config: Record<string, string> | null }
  }
  Mounts: { Type: string; Name?: string; Source: string; Destination: string; RW: boolean }[]
  NetworkSettings: { Networks: Record<string, unknown> }
}

export interface NetworkFacts {
  Name: string
  Internal: boolean
}

/** The compose service that a container is of. */
export function serviceOf({ Config, Name }: ContainerFacts): string {
  return Config.Labels['com.docker.compose.service'] ?? Name
}
