import { DEFAULTS, type RunConfig } from '../config.ts'
import type { Target } from './target.ts'

/** The run's requests as this target wants them: its model where the run has the default one, its headers under the run's. */
export function withTargetRequest<C extends RunConfig>(config: C, target: Pick<Target, 'model' | 'headers'>): C {
  const { model = config.model, headers } = target
  return {
    ...config,
    ...(config.model === DEFAULTS.model && { model }),
    headers: { ...headers, ...config.headers },
  }
}
