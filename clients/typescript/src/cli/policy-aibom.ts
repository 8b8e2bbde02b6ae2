// What a bill of materials means for a decision: the functions by which mcp-policy itself tells.
export { aibomReasons, assessAibom } from '../../../../services/policy-engine/src/aibom/assess.ts'
