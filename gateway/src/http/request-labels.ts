import type { IncomingHttpHeaders } from 'node:http'

import type { LabelSet } from '../core/labels.ts'
import type { Traffic } from '../core/traffic.ts'

/** Where callers put a label's value, the first that is there. */
const PREFIXES = ['x-bf-dim-', 'x-prom-']

/** Reads the configured labels off a request's headers: `team-id` from `x-bf-dim-team-id` or `x-prom-team-id`. */
export class LabelReader {
  private readonly headerNames: readonly (readonly string[])[]

  constructor(labelNames: readonly string[]) {
    this.headerNames = labelNames.map((label) => PREFIXES.map((prefix) => `${prefix}${label}`))
  }

  read(headers: IncomingHttpHeaders, traffic: Traffic): LabelSet {
    if (this.headerNames.length === 0) return traffic.unlabelled
    return traffic.labelSet(this.headerNames.map((names) => firstValue(headers, names)))
  }
}

function firstValue(headers: IncomingHttpHeaders, names: readonly string[]): string {
  for (const name of names) {
    const value = headers[name]
    if (value !== undefined) return typeof value === 'string' ? value : value.join(', ')
  }
  return ''
}
