import type { IncomingHttpHeaders } from 'node:http'

import type { GatewayConfig } from '../config.ts'
import { GatewayError } from '../core/errors.ts'
import { addHoldings, NO_HOLDINGS, released } from '../core/merge-snapshots.ts'
import type { Measured } from '../core/batch-measure.ts'
import { Pipeline, type PipelineOptions } from '../core/pipeline.ts'
import { readProcess } from '../core/process-facts.ts'
import { type GatewaySnapshot, takeHoldings, takeSnapshot } from '../core/snapshot.ts'
import { StageHistograms } from '../core/stage-histograms.ts'
import { Traffic } from '../core/traffic.ts'
import { CallerKeys } from './caller-keys.ts'
import { HttpContext } from './http-context.ts'

export type HostOptions = Pick<PipelineOptions<HttpContext>, 'onFailure' | 'requestLog' | 'logBeforeAnswer' | 'random'>

/** How often a pipeline that a reload has replaced is asked whether its last request is done. */
const RETIRED_CHECK_MS = 100

/** The pipeline that takes requests, and those before it until their last request is done; one set of counters for all. */
export class PipelineHost {
  current: Pipeline<HttpContext>
  callerKeys: CallerKeys
  /** No request is taken any more, and every answer closes its connection. */
  draining = false
  private readonly options: Omit<PipelineOptions<HttpContext>, 'createContext'>
  private readonly retired = new Set<Pipeline<HttpContext>>()
  /** Of those among the retired that have closed. */
  private released = NO_HOLDINGS
  /** For which reloads are opening connections. */
  private readonly starting = new Set<Pipeline<HttpContext>>()
  private closed = false
  private retiredCheck: NodeJS.Timeout | undefined

  constructor(config: GatewayConfig, options: HostOptions = {}) {
    this.options = {
      ...options,
      traffic: new Traffic(config.prometheusLabels),
      histograms: new StageHistograms(),
    }
    this.current = this.create(config)
    this.callerKeys = new CallerKeys(config.callerKeys)
  }

  /** Opens connections ahead. Resolves with warnings. */
  start(): Promise<string[]> {
    return this.current.start()
  }

  /**
   * Takes requests with another configuration from now on; those that are running end as they began. Labels stay as
   * they were: the counters are kept by them. Until the last of them has ended, bodies may wait up to the bounds of
   * both configurations together: each pipeline knows only its own.
   *
   * @returns warnings; undefined when the gateway is ending, and nothing has changed
   */
  async reload(config: GatewayConfig): Promise<string[] | undefined> {
    if (this.isEnding()) return undefined
    // Measuring again would stop the process for 50 ms. Not `this.current` itself, which would live as long as `next`.
    const { clockCostNs, batchMeansNs } = this.current
    const next = this.create(config, { clockCostNs, batchMeansNs })
    this.starting.add(next)
    const warnings = await next.start()
    this.starting.delete(next)
    if (this.isEnding()) {
      next.close()
      return undefined
    }
    this.retired.add(this.current)
    this.current = next
    this.callerKeys = new CallerKeys(config.callerKeys)
    this.retiredCheck ??= setInterval(() => {
      this.closeIdleRetired()
    }, RETIRED_CHECK_MS).unref()
    return warnings
  }

  /** @throws GatewayError when a request with these headers may not be served at all */
  checkAdmission(headers: IncomingHttpHeaders): void {
    if (this.draining) throw new GatewayError('shutting_down', 'the gateway is shutting down; send the request again')
    if (!this.callerKeys.admits(headers)) {
      throw new GatewayError('invalid_api_key', 'no valid key of this gateway; send authorization: Bearer <key>')
    }
  }

  /** Requests in the gateway, those of replaced pipelines included. */
  get inUse(): number {
    return [this.current, ...this.retired].reduce((sum, { contexts }) => sum + contexts.inUse, 0)
  }

  /** The counters of this process, replaced pipelines included. */
  snapshot(): GatewaySnapshot {
    // What they count is in counters that all pipelines share; what they hold is their own.
    const snapshot = takeSnapshot(this.current, readProcess())
    const others = [this.released, ...[...this.retired].map(takeHoldings)]
    return { ...snapshot, ...others.reduce(addHoldings, snapshot) }
  }

  close(): void {
    this.closed = true
    clearInterval(this.retiredCheck)
    for (const pipeline of [this.current, ...this.retired, ...this.starting]) pipeline.close()
  }

  private isEnding(): boolean {
    return this.closed || this.draining
  }

  private create(config: GatewayConfig, measured?: Measured): Pipeline<HttpContext> {
    const pipeline: Pipeline<HttpContext> = new Pipeline(config, {
      ...this.options,
      ...(measured && { measured }),
      createContext: () => new HttpContext(this, () => pipeline),
    })
    return pipeline
  }

  private closeIdleRetired(): void {
    for (const pipeline of this.retired) {
      if (pipeline.contexts.inUse > 0) continue
      pipeline.close()
      this.retired.delete(pipeline)
      this.released = addHoldings(this.released, released(takeHoldings(pipeline)))
    }
    if (this.retired.size > 0) return
    clearInterval(this.retiredCheck)
    this.retiredCheck = undefined
  }
}
