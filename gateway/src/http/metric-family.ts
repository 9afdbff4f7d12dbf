import { Gauge, type LabelValues } from 'prom-client'

/** One line of a metric. */
export interface Sample {
  labels: LabelValues<string>
  value: number
}

/** One histogram: how many were at most as much as each bound, in the order of the bounds. */
export interface HistogramSample {
  labels: LabelValues<string>
  atMost: readonly number[]
  sum: number
  count: number
}

interface Line extends Sample {
  metricName?: string
  /** Written once for all lines that have the same object here. */
  sharedLabels?: LabelValues<string>
}

/**
 * A metric whose samples are there already: the gateway counts in plain numbers. prom-client's own counters look up
 * labels, check and copy them each time; only its writing of the text is used.
 */
export class Family extends Gauge {
  readonly metricName: string
  private readonly type: string
  private readonly help: string
  /** Made when it is written, so that no more than one family's lines are in memory. */
  private readonly lines: () => Line[]

  private constructor(type: string, name: string, help: string, lines: () => Line[]) {
    super({ name, help, registers: [] })
    this.type = type
    this.metricName = name
    this.help = help
    this.lines = lines
  }

  static counter(name: string, help: string, samples: () => Sample[]): Family {
    return new Family('counter', name, help, samples)
  }

  static gauge(name: string, help: string, samples: () => Sample[]): Family {
    return new Family('gauge', name, help, samples)
  }

  /** @param bounds upper bounds of the buckets, rising, without the infinite one */
  static histogram(name: string, help: string, bounds: readonly number[], samples: () => HistogramSample[]): Family {
    const bucket = { metricName: `${name}_bucket` }
    return new Family('histogram', name, help, () =>
      samples().flatMap(({ labels, atMost, sum, count }): Line[] => [
        ...bounds.map((le, index): Line => {
          return { ...bucket, labels: { le }, sharedLabels: labels, value: atMost[index]! }
        }),
        { ...bucket, labels: { le: '+Inf' }, sharedLabels: labels, value: count },
        { metricName: `${name}_sum`, labels: {}, sharedLabels: labels, value: sum },
        { metricName: `${name}_count`, labels: {}, sharedLabels: labels, value: count },
      ]),
    )
  }

  override get(): ReturnType<Gauge['get']> {
    return Promise.resolve({
      name: this.metricName,
      help: this.help,
      // The types have numbers here, the code writes what stands here into the text.
      type: this.type as never,
      values: this.lines(),
      aggregator: 'sum',
      collect: () => undefined,
    })
  }
}
