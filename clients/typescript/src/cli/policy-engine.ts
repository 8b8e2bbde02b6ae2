// The one door between the command line and the policy engine. `aigov policy` judges by the code that mcp-policy
// judges by, so its answers are those of production. The engine is a package of this repository that is not
// published: the build compiles it into dist/services, and nothing else of this client may import it.

export { type DecisionRules, decisionOf } from '../../../../services/policy-engine/src/decision.ts'
export { SEMANTICS } from '../../../../services/policy-engine/src/digest.ts'
export { evaluate, type Verdict } from '../../../../services/policy-engine/src/evaluate.ts'
export {
  type LoadProblem,
  loadPolicySet,
  type PolicyFile,
  type PolicySet,
} from '../../../../services/policy-engine/src/load/load-policies.ts'
export { reporter } from '../../../../services/policy-engine/src/load/load-problem.ts'
export { sourceOf } from '../../../../services/policy-engine/src/load/source.ts'
export {
  parseTree,
  plainValue,
  type Tree,
} from '../../../../services/policy-engine/src/load/yaml-tree.ts'
export {
  loadTests,
  runTests,
  type TestReport,
} from '../../../../services/policy-engine/src/policy-tests/run-tests.ts'
export { testProblems } from '../../../../services/policy-engine/src/policy-tests/test-problems.ts'
