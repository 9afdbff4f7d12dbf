import type { LabelSet } from './labels.ts'
import type { RequestContext } from './request-context.ts'
import type { RequestRecord } from './request-log.ts'
import { SLOT } from './stage-clock.ts'

const jsonOfLabels = new WeakMap<LabelSet, string>()

/**
 * The row that the request log keeps of a request that has ended.
 * @param labelNames of the values in its label set
 */
export function requestRecord(
  context: RequestContext,
  labelNames: readonly string[],
  finishedAtMs: number,
): RequestRecord {
  const { clock, route, key } = context
  const totalUs = Math.round(clock.totalNs / 1e3)
  const upstreamUs = Math.round(clock.ns[SLOT.http_request]! / 1e3)
  return {
    finishedAtMs,
    requestType: context.type,
    provider: route?.provider.name ?? '',
    model: route?.model ?? '',
    keyName: key?.name ?? '',
    status: context.status,
    errorCode: context.errorCode,
    totalUs,
    upstreamUs,
    overheadUs: Math.max(0, totalUs - upstreamUs),
    queueWaitUs: Math.round(clock.ns[SLOT.queue_wait]! / 1e3),
    firstTokenUs: Math.round(context.firstTokenNs / 1e3),
    inputTokens: context.inputTokens,
    outputTokens: context.outputTokens,
    retries: context.retries,
    fallbackIndex: context.fallbackIndex,
    labels: labelsJson(labelNames, context.labels!),
  }
}

/** The labels that have a value, as JSON; '' when none has. */
function labelsJson(names: readonly string[], set: LabelSet): string {
  let json = jsonOfLabels.get(set)
  if (json === undefined) {
    const entries = names.map((name, index) => [name, set.values[index] ?? ''] as const)
    const present = entries.filter(([, value]) => value !== '')
    json = present.length === 0 ? '' : JSON.stringify(Object.fromEntries(present))
    jsonOfLabels.set(set, json)
  }
  return json
}
