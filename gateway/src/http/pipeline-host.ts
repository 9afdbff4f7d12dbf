import type { IncomingHttpHeaders } from 'node:http'

import type { GatewayConfig } from '../config.ts'
import { GatewayError } from '../core/errors.ts'
import { Pipeline, type PipelineOptions } from '../core/pipeline.ts'
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
   * they were: the counters are kept by them.
   */
  async reload(config: GatewayConfig): Promise<string[]> {
    const next = this.create(config)
    const warnings = await next.start()
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

  close(): void {
    clearInterval(this.retiredCheck)
    for (const pipeline of [this.current, ...this.retired]) pipeline.close()
    this.retired.clear()
  }

  private create(config: GatewayConfig): Pipeline<HttpContext> {
    const pipeline: Pipeline<HttpContext> = new Pipeline(config, {
      ...this.options,
      createContext: () => new HttpContext(this, () => pipeline),
    })
    return pipeline
  }

  private closeIdleRetired(): void {
    for (const pipeline of this.retired) {
      if (pipeline.contexts.inUse > 0) continue
      pipeline.close()
      this.retired.delete(pipeline)
    }
    if (this.retired.size > 0) return
    clearInterval(this.retiredCheck)
    this.retiredCheck = undefined
  }
}
