import type { CompareRecord, Pair, TargetRecord } from '../../compare/record.ts'
import { FLAGS } from './flags.ts'

/** The order of the targets that the pairs allow, and no more. */

/** Of a to b: a adds less, b adds less, or neither can be said. */
export type Relation = 'faster' | 'slower' | 'not_distinguishable' | 'not_compared'

export function relation(pairs: readonly Pair[], a: string, b: string): Relation {
  const pair = pairs.find((p) => (p.a === a && p.b === b) || (p.a === b && p.b === a))
  if (!pair) return 'not_compared'
  if (!pair.distinguishable) return 'not_distinguishable'
  return pair.meanUs.value < 0 === (pair.a === a) ? 'faster' : 'slower'
}

/** Why a target takes no place in the order, in a few words; undefined when it takes one. */
export function whyUnranked({ status, addedUs, flags, turns }: TargetRecord): string | undefined {
  if (status !== 'measured') return status
  if (!addedUs) return 'added latency not measured'
  const flag = flags.find(({ name }) => FLAGS[name].unranked)
  if (flag) return FLAGS[flag.name].title
  return turns.some(({ valid, counts = valid }) => counts === true) ? undefined : 'no valid turn'
}

export type RankedTarget = TargetRecord & Required<Pick<TargetRecord, 'addedUs'>>

const isRanked = (target: TargetRecord): target is RankedTarget => whyUnranked(target) === undefined

export interface Exception {
  a: string
  b: string
  relation: Relation
}

export interface Standing {
  /** By added mean latency, least first; the members of a group are not told apart from their neighbours in it. */
  groups: RankedTarget[][]
  /** Pairs of which the pairing says something else than the groups do: being apart is not transitive. */
  exceptions: Exception[]
}

export function standing({ targets, pairs }: Pick<CompareRecord, 'targets' | 'pairs'>): Standing {
  const ordered = targets.filter(isRanked).sort((a, b) => a.addedUs.mean.value - b.addedUs.mean.value)
  const groups: RankedTarget[][] = []
  for (const target of ordered) {
    const last = groups.at(-1)
    if (last && relation(pairs, last.at(-1)!.name, target.name) !== 'faster') last.push(target)
    else groups.push([target])
  }
  const exceptions = ordered.flatMap((a, i) =>
    ordered.slice(i + 1).flatMap((b): Exception[] => {
      const together = groups.some((group) => group.includes(a) && group.includes(b))
      const found = relation(pairs, a.name, b.name)
      return found === (together ? 'not_distinguishable' : 'faster') ? [] : [{ a: a.name, b: b.name, relation: found }]
    }),
  )
  return { groups, exceptions }
}
