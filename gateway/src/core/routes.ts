import type { ProviderConfig } from '../config.ts'
import { GatewayError } from './errors.ts'
import { allows } from './key-selector.ts'
import type { ProviderRuntime } from './provider-runtime.ts'
import type { GatewayRequest } from './providers/provider.ts'

/** Where a request goes. */
export interface Route {
  provider: ProviderRuntime
  /** The model's name at the provider: without the gateway's prefix. */
  model: string
  /** As the caller wrote it. */
  requested: string
}

/** Beyond this a list of fallbacks is a way to multiply one request into many. */
const MAX_FALLBACKS = 10
const NO_FALLBACKS: readonly Route[] = []

/** Finds out which provider and model a body means. */
export class Routes {
  private readonly providers: ReadonlyMap<string, ProviderRuntime>
  private readonly listedBy = new Map<string, ProviderRuntime[]>()

  constructor(providers: readonly ProviderRuntime[]) {
    this.providers = new Map(providers.map((provider) => [provider.name, provider]))
    for (const provider of providers) {
      for (const model of listedModels(provider.config)) {
        const others = this.listedBy.get(model)
        if (others) others.push(provider)
        else this.listedBy.set(model, [provider])
      }
    }
  }

  /** @throws GatewayError naming the value that leads nowhere */
  resolve(request: GatewayRequest): Route {
    const requested = request.model
    if (request.provider !== undefined) return this.apart(request.provider, requested)
    const slash = requested.indexOf('/')
    if (slash > 0) {
      const provider = this.providers.get(requested.slice(0, slash))
      if (provider) return route(provider, requested.slice(slash + 1), requested)
    }
    // Behind the prefix: a model's own name may hold a slash too.
    const [provider, ...others] = this.listedBy.get(requested) ?? []
    if (provider === undefined) throw this.unknown(requested, slash)
    if (others.length > 0) {
      const names = [provider, ...others].map(({ name }) => `${name}/${requested}`).join(' or ')
      throw new GatewayError(
        'ambiguous_model',
        `model ${quote(requested)} is listed by several providers; write ${names}`,
      )
    }
    return route(provider, requested, requested)
  }

  /**
   * Where the request goes when its own route fails: `"provider/model"`, or `{ "provider", "model" }`.
   * @throws GatewayError naming the entry that leads nowhere
   */
  fallbacks({ fallbacks }: GatewayRequest): readonly Route[] {
    if (fallbacks === undefined || fallbacks === null) return NO_FALLBACKS
    if (!Array.isArray(fallbacks)) {
      throw new GatewayError(
        'invalid_request',
        `fallbacks must be an array of "provider/model", got ${quote(fallbacks)}`,
      )
    }
    if (fallbacks.length > MAX_FALLBACKS) {
      throw new GatewayError('invalid_request', `fallbacks may hold ${MAX_FALLBACKS}, got ${fallbacks.length}`)
    }
    return fallbacks.map((entry: unknown, index) => {
      const request = typeof entry === 'string' ? { model: entry } : entry
      if (!isModelRequest(request)) {
        throw new GatewayError('invalid_request', `fallbacks.${index} must be "provider/model", got ${quote(entry)}`)
      }
      return this.resolve(request)
    })
  }

  private apart(name: unknown, requested: string): Route {
    const provider = typeof name === 'string' ? this.providers.get(name) : undefined
    if (!provider) throw this.unknownProvider(quote(name))
    const prefix = `${provider.name}/`
    return route(provider, requested.startsWith(prefix) ? requested.slice(prefix.length) : requested, requested)
  }

  private unknown(requested: string, slash: number): GatewayError {
    if (slash > 0) return this.unknownProvider(quote(requested.slice(0, slash)))
    return new GatewayError('unknown_model', `no provider lists model ${quote(requested)}; write provider/model`)
  }

  private unknownProvider(quoted: string): GatewayError {
    const known = [...this.providers.keys()].join(', ')
    return new GatewayError('unknown_provider', `provider ${quoted} is not configured; configured: ${known}`)
  }
}

function route(provider: ProviderRuntime, model: string, requested: string): Route {
  if (model === '') throw new GatewayError('unknown_model', `model ${quote(requested)} names no model`)
  return { provider, model, requested }
}

function isModelRequest(value: unknown): value is GatewayRequest {
  return typeof value === 'object' && value !== null && 'model' in value && typeof value.model === 'string'
}

function quote(value: unknown): string {
  const MAX_CHARACTERS = 200
  return JSON.stringify(value).slice(0, MAX_CHARACTERS)
}

/** The models that a provider's keys name, in order, each once. */
export function listedModels(provider: ProviderConfig): string[] {
  const named = provider.keys.flatMap((key) => (key.enabled && key.models !== 'all' ? key.models : []))
  return [...new Set(named)].filter((model) => provider.keys.some((key) => allows(key, model)))
}
