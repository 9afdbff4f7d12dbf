// Two keys, retries, and another provider when the first one cannot help.
//
//   npx bench mock --fail-key sk-dead=401 --fail-key sk-broken=500 &
//   node gateway/examples/fallbacks.ts
import { Gateway } from '@gatebench/gateway'

const { OPENAI_BASE_URL = 'http://127.0.0.1:8001', ANTHROPIC_BASE_URL = OPENAI_BASE_URL } = process.env

const gateway = new Gateway(
  {
    providers: {
      openai: {
        // A key that is refused is not used again for that request; `weight` is a key's share of the others.
        keys: [
          { name: 'refused', value: 'sk-dead', weight: 0.7 },
          { name: 'out of order', value: 'sk-broken', weight: 0.3 },
        ],
        network_config: {
          base_url: OPENAI_BASE_URL,
          max_retries: 2,
          retry_backoff_initial: 50,
          retry_backoff_max: 200,
        },
      },
      anthropic: {
        keys: [{ value: 'sk-good' }],
        network_config: { base_url: ANTHROPIC_BASE_URL },
      },
    },
  },
  {
    // Only of requests that nobody could answer.
    onFailure: ({ provider, status, code }) => {
      console.log(`${provider} failed with ${status} (${code})`)
    },
  },
)

try {
  const answer = await gateway.chatCompletion({
    model: 'openai/gpt-4o-mini',
    messages: [{ role: 'user', content: 'Is anybody there?' }],
    fallbacks: ['anthropic/claude-sonnet-4-5'],
  })
  const { provider, resolved_model: model, latency } = answer.extra_fields
  console.log(`answered by ${provider} with ${model} after ${latency} ms`)
} finally {
  await gateway.close()
}
