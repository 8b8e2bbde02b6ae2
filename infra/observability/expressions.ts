import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseYaml } from '../test/yaml.ts'

/** A PromQL expression and where it stands. */
export interface Expression {
  where: string
  expr: string
}

interface Rules {
  groups: { rules: { record?: string; alert?: string; expr: string }[] }[]
}

export interface Dashboard {
  panels: Panel[]
  templating: { list: { name: string; type: string; definition?: string }[] }
}

export interface Panel {
  id: number
  type: string
  title: string
  description?: string
  datasource?: { uid: string }
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { expr: string; datasource: { uid: string } }[]
}

const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')

export const dashboard = (): Dashboard => JSON.parse(read('dashboard.json')) as Dashboard

/** What Grafana puts in the place of its variables. */
const VARIABLES = { $__rate_interval: '1m', $service: '.*' }

/** Every expression of the dashboard, as Prometheus gets it. */
export function dashboardExpressions(): Expression[] {
  return dashboard().panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      where: `panel "${title}"`,
      expr: Object.entries(VARIABLES).reduce(
        (text, [name, value]) => text.replaceAll(name, value),
        expr,
      ),
    })),
  )
}

/** Every expression of the rules, and the names that they record. */
export function ruleExpressions(): { expressions: Expression[]; recorded: string[] } {
  const rules = (parseYaml(read('alerts.yml')) as Rules).groups.flatMap((group) => group.rules)
  return {
    expressions: rules.map(({ record, alert, expr }) => ({
      where: `rule ${record ?? alert}`,
      expr,
    })),
    recorded: rules.flatMap(({ record }) => record ?? []),
  }
}

/** Names that Prometheus makes itself. */
const BUILT_IN = ['up', 'ALERTS']

/** The metrics that an expression asks for, without those of Prometheus itself. */
export function metricNames(expr: string): string[] {
  const bare = expr
    .replace(/\{[^}]*\}/g, '{}')
    .replace(/\b(by|without|on|ignoring) *\([^)]*\)/g, '')
    .replace(/\[[^\]]*\]/g, '')
  const names = bare.match(/[a-zA-Z_:][a-zA-Z0-9_:]*(?! *\()\b/g) ?? []
  const words = ['and', 'or', 'unless', ...BUILT_IN]
  return [...new Set(names)].filter((name) => /[_:]/.test(name) && !words.includes(name))
}
