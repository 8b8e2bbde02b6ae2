// What the stack calls its scopes, and how it guesses at a slip of the pen: from where the services have it. The
// package of both knows no service, and the build compiles the two along.
export { SCOPES, type Scope } from '../../../../services/common/src/callers/scopes.ts'
export { closest } from '../../../../services/common/src/suggest.ts'
