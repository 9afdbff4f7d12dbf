import type { ExtraFields } from './provider.ts'

/** The member `extra_fields` of an answer, as callers see it. */
export function extraFieldsMember(extra: ExtraFields) {
  return {
    provider: extra.provider,
    resolved_model: extra.resolvedModel,
    request_type: extra.requestType,
    latency: extra.latencyMs,
  }
}
