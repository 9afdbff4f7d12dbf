import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'

/** What is read of the built-in gateway's `GET /debug/stages`. */
const DebugStages = Type.Object({
  clockCostNs: Type.Number(),
  segments: Type.Record(Type.String(), Type.Object({ batchMeanNs: Type.Optional(Type.Number()) })),
})

/** What the built-in gateway knows about its own clock. */
export interface GatewayAccount {
  /** Cost of one clock call, ns: a stage shorter than this is not measured by its own two readings. */
  clockCostNs: number
  /** Mean of a stage's work timed in a batch, ns, by stage name; only where that was done. */
  batchMeanNs: Record<string, number>
}

const ANSWER_TIMEOUT_MS = 5_000

/** Asks a gateway for its account; undefined when it has none in this form: then nothing is known, and nothing is said. */
export async function fetchGatewayAccount(url: string): Promise<GatewayAccount | undefined> {
  try {
    const response = await fetch(`${url}/debug/stages`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    const body: unknown = await response.json()
    return Value.Check(DebugStages, body) ? toAccount(body) : undefined
  } catch {
    return undefined
  }
}

function toAccount({ clockCostNs, segments }: Static<typeof DebugStages>): GatewayAccount {
  const batched = Object.entries(segments).flatMap(([name, { batchMeanNs }]) =>
    batchMeanNs === undefined ? [] : [[name, batchMeanNs] as const],
  )
  return { clockCostNs, batchMeanNs: Object.fromEntries(batched) }
}
