import type { Random } from '../random.ts'

/** The order of every round, each shuffled by itself (Fisher and Yates), so that drift of the machine falls on all alike. */
export function shuffledRounds(names: readonly string[], rounds: number, random: Random): string[][] {
  return Array.from({ length: rounds }, () => shuffled(names, random))
}

function shuffled(names: readonly string[], random: Random): string[] {
  const order = [...names]
  for (let last = order.length - 1; last > 0; last--) {
    const at = Math.floor(random() * (last + 1))
    ;[order[last], order[at]] = [order[at]!, order[last]!]
  }
  return order
}
