// An answer as it is written. Leaving the loop ends the request at the provider, and a slow loop makes it wait.
//
//   npx bench mock --token-interval 100ms &
//   node gateway/examples/stream.ts
import { Gateway } from '@gatebench/gateway'

const { OPENAI_BASE_URL = 'http://127.0.0.1:8001', OPENAI_API_KEY = 'sk-mock' } = process.env

const gateway = new Gateway({
  providers: {
    openai: {
      keys: [{ value: OPENAI_API_KEY }],
      // Of a stream that says nothing for so long the loop throws.
      network_config: { base_url: OPENAI_BASE_URL, stream_idle_timeout_in_seconds: 10 },
    },
  },
})

const stream = gateway.stream(
  {
    model: 'openai/gpt-4o-mini',
    messages: [{ role: 'user', content: 'Tell me a story.' }],
    stream_options: { include_usage: true },
  },
  // Ends it wherever it is; the loop throws the reason.
  { signal: AbortSignal.timeout(60_000) },
)

try {
  for await (const { choices, usage } of stream) {
    process.stdout.write(choices[0]?.delta.content ?? '')
    if (usage) console.log(`\n${usage.completion_tokens} tokens`)
  }
} finally {
  await gateway.close()
}
