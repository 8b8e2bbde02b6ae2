/** What the rules read of a manifest; everything else is checked by its published schema. */
export interface KubernetesObject {
  apiVersion: string
  kind: string
  metadata: { name: string; labels?: Labels }
  spec?: Spec
}

export type Labels = Record<string, string>

export interface Selector {
  matchLabels?: Labels
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

export interface Peer {
  podSelector?: Selector
  namespaceSelector?: Selector
  ipBlock?: { cidr: string }
}

export interface NetworkRule {
  from?: Peer[]
  to?: Peer[]
  ports?: { protocol?: string; port?: number }[]
}

export interface Container {
  name: string
  image: string
  command?: string[]
  args?: string[]
  env?: { name: string; value?: string; valueFrom?: object }[]
  envFrom?: object[]
  securityContext?: object
  resources?: { requests?: Labels; limits?: Labels }
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[]
  startupProbe?: Probe
  readinessProbe?: Probe
  livenessProbe?: Probe
  lifecycle?: { preStop?: { sleep?: { seconds: number } } }
}

export interface Probe {
  httpGet?: { path: string; port: string | number }
}

export interface PodSpec {
  automountServiceAccountToken?: boolean
  enableServiceLinks?: boolean
  securityContext?: object
  terminationGracePeriodSeconds?: number
  topologySpreadConstraints?: object[]
  containers: Container[]
  initContainers?: Container[]
  volumes?: { name: string; [kind: string]: unknown }[]
  [name: string]: unknown
}

export interface Spec {
  replicas?: number
  selector?: Selector
  podSelector?: Selector
  policyTypes?: string[]
  ingress?: NetworkRule[]
  egress?: NetworkRule[]
  template?: { metadata: { labels: Labels }; spec: PodSpec }
  imageName?: string
  [name: string]: unknown
}

/** The objects that run a pod of ours. */
export function workloads(objects: readonly KubernetesObject[]): KubernetesObject[] {
  return objects.filter(({ spec }) => spec?.template !== undefined)
}

/** Whether a selector of Kubernetes takes these labels; without one it takes all. */
export function selects(selector: Selector | undefined, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {}
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== 'In') throw new Error(`The operator ${operator} is not known here: add it.`)
      return values.includes(labels[key] ?? '')
    })
  )
}
