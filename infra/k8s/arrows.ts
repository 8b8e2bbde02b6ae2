import { type KubernetesObject, type Labels, type Peer, selects, workloads } from './objects.ts'

/** The pods of the database, which CloudNativePG makes from no template of ours. */
const DATABASE = 'db'
/** By these labels policies name the pods; the database's are CloudNativePG's. */
function podsOf(objects: readonly KubernetesObject[]): Map<string, Labels> {
  const pods = new Map(
    workloads(objects).map(({ metadata, spec }) => [
      metadata.name,
      spec?.template?.metadata.labels as Labels,
    ]),
  )
  if (objects.some(({ kind }) => kind === 'Cluster'))
    pods.set(DATABASE, { 'cnpg.io/cluster': 'db' })
  return pods
}

interface Sides {
  /** `from > to:port`, as policies of the one that calls let it out. */
  out: Set<string>
  /** The same, as policies of the one that is called let it in. */
  in: Set<string>
}

/** Every way between two pods of the namespace that network policies open, from the view of both ends. */
export function arrowsOf(objects: readonly KubernetesObject[]): Sides {
  const pods = podsOf(objects)
  const sides: Sides = { out: new Set(), in: new Set() }
  for (const { kind, spec } of objects) {
    if (kind !== 'NetworkPolicy') continue
    const owners = [...pods].filter(([, labels]) => selects(spec?.podSelector, labels))
    for (const [owner] of owners) {
      for (const { to = [], ports = [] } of spec?.egress ?? []) {
        for (const peer of namesOf(to, pods)) {
          for (const { port } of ports) sides.out.add(`${owner} > ${peer}:${port}`)
        }
      }
      for (const { from = [], ports = [] } of spec?.ingress ?? []) {
        for (const peer of namesOf(from, pods)) {
          for (const { port } of ports) sides.in.add(`${peer} > ${owner}:${port}`)
        }
      }
    }
  }
  return sides
}

function namesOf(peers: readonly Peer[], pods: ReadonlyMap<string, Labels>): string[] {
  return peers
    .filter((peer) => peer.podSelector !== undefined && peer.namespaceSelector === undefined)
    .flatMap((peer) =>
      [...pods].filter(([, labels]) => selects(peer.podSelector, labels)).map(([name]) => name),
    )
}

/** What opens more than anybody meant: rules without a peer or a port, and peers of every pod. */
export function openRules(objects: readonly KubernetesObject[]): string[] {
  return objects
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .flatMap(({ metadata, spec }) =>
      [...(spec?.ingress ?? []), ...(spec?.egress ?? [])]
        .filter(({ from, to, ports = [] }) => {
          const peers = from ?? to ?? []
          const isWide = ({ podSelector, namespaceSelector, ipBlock }: Peer) =>
            ipBlock === undefined && !namesSomebody(namespaceSelector ?? podSelector)
          return peers.length === 0 || peers.some(isWide) || ports.length === 0
        })
        .map(() => metadata.name),
    )
}

const namesSomebody = (selector: Peer['podSelector']) =>
  Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length > 0
