import { Admission } from '../src/admission/admission.ts'

/** Of `b2`, the second of the flow `b`, the flow; `b` is one of the flow `a`, as is every name without a number. */
const flowOf = (name: string): string => (/\d$/.test(name) ? name.slice(0, 1) : 'a')

/** An admission of two places with a clock of its own, and what became of whom. */
export function stage({ places = 2, waiting = 3, late = false } = {}) {
  const clock = { ms: 0 }
  const story: string[] = []
  const admission = new Admission({
    ...{ places: () => places, waiting, isLate: () => late, now: () => clock.ms },
    patience: 50,
  })
  const enter = (...names: string[]) => {
    for (const name of names) {
      admission.enter(
        {
          admitted: () => story.push(`${name} in`),
          shed: () => story.push(`${name} away`),
        },
        flowOf(name),
      )
    }
  }
  const leave = (name = 'a') => admission.leave(flowOf(name))
  const told = () => story.splice(0).join(', ')
  return { admission, clock, enter, leave, told }
}
