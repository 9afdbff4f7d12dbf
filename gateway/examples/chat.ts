// One question, one answer, without HTTP in front: queues, keys, retries and connections of the gateway in this process.
//
//   npx bench mock &                  # or OPENAI_BASE_URL=https://api.openai.com and a real OPENAI_API_KEY
//   node gateway/examples/chat.ts
import { Gateway, GatewayRequestError } from '@gatebench/gateway'

const { OPENAI_BASE_URL = 'http://127.0.0.1:8001', OPENAI_API_KEY = 'sk-mock' } = process.env

const gateway = new Gateway({
  providers: {
    openai: {
      keys: [{ value: OPENAI_API_KEY }],
      network_config: { base_url: OPENAI_BASE_URL, max_retries: 2 },
    },
  },
})

try {
  const answer = await gateway.chatCompletion({
    model: 'openai/gpt-4o-mini',
    messages: [{ role: 'user', content: 'What is a gateway?' }],
    max_completion_tokens: 50,
  })
  console.log(answer.choices[0]?.message.content)
  console.log(`${answer.usage?.completion_tokens ?? 0} tokens from ${answer.extra_fields.provider}`)
} catch (error) {
  // What a caller over HTTP would have got: status, code, and the whole body.
  if (!(error instanceof GatewayRequestError)) throw error
  console.error(`failed with ${error.status} (${error.code ?? 'no code'}): ${error.message}`)
  process.exitCode = 1
} finally {
  await gateway.close()
}
