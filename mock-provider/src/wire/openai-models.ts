import { ProviderError } from '../provider-error.ts'

const MODELS = ['gpt-4o-mini', 'gpt-4o', 'text-embedding-3-small']
const CREATED_SEC = 1_721_172_741

/** The models that the mock lists; it answers requests for any. */
export function listModels(): unknown {
  return { object: 'list', data: MODELS.map(modelOf) }
}

/** @throws {ProviderError} 404 when the list has no such model */
export function retrieveModel(id: string): unknown {
  if (MODELS.includes(id)) return modelOf(id)
  throw new ProviderError(404, `the model ${JSON.stringify(id)} is none of ${MODELS.join(', ')}`, {
    param: 'model',
    code: 'model_not_found',
  })
}

function modelOf(id: string): unknown {
  return { id, object: 'model', created: CREATED_SEC, owned_by: 'gatebench' }
}
