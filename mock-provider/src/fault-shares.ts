import type { FaultShare } from './fault-model.ts'
import type { AnswerValues } from './settings.ts'

/** Every fault that the settings ask for, with its share of the requests. */
export function faultSharesOf(values: AnswerValues): FaultShare[] {
  const error = (status: number, share: number): FaultShare => ({
    share,
    fault: { kind: 'error', status, ...(status === 429 ? { retryAfterSec: wholeSec(values.retryAfter) } : {}) },
  })
  return [
    error(values.errorStatus, values.errorRate),
    ...[...values.errorRates].map(([status, share]) => error(status, share)),
    { share: values.resetRate, fault: { kind: 'reset' } },
    { share: values.hangRate, fault: { kind: 'hang' } },
    { share: values.cutRate, fault: { kind: 'cut' } },
    { share: values.stallRate, fault: { kind: 'stall', forMs: values.stall } },
    { share: values.slowHeadersRate, fault: { kind: 'slow-headers', forMs: values.slowHeaders } },
    { share: values.truncateRate, fault: { kind: 'truncate' } },
    { share: values.garbleRate, fault: { kind: 'garble' } },
    { share: values.closeRate, fault: { kind: 'close' } },
  ]
}

/** Share of the requests that have a fault, without the noise of adding up decimal fractions. */
export function faultShareSum(values: AnswerValues): number {
  return Number(
    faultSharesOf(values)
      .reduce((sum, { share }) => sum + share, 0)
      .toPrecision(12),
  )
}

function wholeSec(ms: number): number {
  return Math.ceil(ms / 1_000)
}
