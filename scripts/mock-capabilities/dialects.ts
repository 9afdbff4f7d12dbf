import type { Capability } from './row.ts'

const TOOLS =
  '{"model":"m","tool_choice":"required","tools":[{"type":"function","function":{"name":"weather","parameters":{"properties":{"city":{"type":"string"}}}}}],"messages":[{"role":"user","content":"hi"}]}'

/** An official client where curl cannot read what comes: it checks every frame's checksums. */
const EVENT_STREAM = [
  'import { BedrockRuntimeClient, ConverseStreamCommand } from "@aws-sdk/client-bedrock-runtime"',
  'import { NodeHttpHandler } from "@smithy/node-http-handler"',
  'const client = new BedrockRuntimeClient({ endpoint: process.argv[1], region: "us-east-1", credentials: { accessKeyId: "AKIA", secretAccessKey: "any" }, requestHandler: new NodeHttpHandler() })',
  'const { stream } = await client.send(new ConverseStreamCommand({ modelId: "m", messages: [{ role: "user", content: [{ text: "hi" }] }] }))',
  'for await (const event of stream) console.log(Object.keys(event)[0])',
].join('; ')

/** Which dialects the mock speaks. */
export const DIALECTS: readonly Capability[] = [
  {
    row: 1,
    name: 'OpenAI chat completions',
    flags: [],
    command: `grep -o '"object":"[^"]*"' <(chat)`,
    expected: /^"object":"chat.completion"$/,
  },
  {
    row: 2,
    name: '… streamed',
    flags: ['--tokens', '5'],
    command: `uniq -c <(grep -o '"object":"[^"]*"' <(stream)); tail -n 2 <(stream)`,
    expected: /^7 "object":"chat\.completion\.chunk" \/ data: \[DONE\]$/,
  },
  {
    row: 3,
    name: 'OpenAI Responses',
    flags: [],
    command: `grep -o '"object":"[^"]*"' <(curl -s $M/v1/responses --json '{"model":"m","input":"hi"}')`,
    expected: /^"object":"response"$/,
  },
  {
    row: 4,
    name: '… streamed',
    flags: ['--tokens', '5'],
    command: `uniq -c <(grep '^event' <(curl -s $M/v1/responses --json '{"model":"m","input":"hi","stream":true}'))`,
    expected: /^1 event: response\.created .*5 event: response\.output_text\.delta .*1 event: response\.completed$/,
  },
  {
    row: 5,
    name: 'OpenAI embeddings',
    flags: [],
    command: `grep -o '{"object":"embedding","index":[01],"embedding":.[^,]*' <(curl -s $M/v1/embeddings --json '{"model":"m","input":["one","two"]}')`,
    expected: /"index":0,"embedding":\[-?[\d.]+ \/ .*"index":1,"embedding":\[-?[\d.]+$/,
  },
  {
    row: 6,
    name: 'Anthropic Messages',
    flags: [],
    command: `grep -o '"type":"message".*"model":"m"' <(curl -s $M/v1/messages -H 'x-api-key: k' -H 'anthropic-version: 2023-06-01' --json '{"model":"m","max_tokens":500,"messages":[{"role":"user","content":"hi"}]}')`,
    expected: /^"type":"message","role":"assistant","model":"m"$/,
  },
  {
    row: 7,
    name: '… streamed',
    flags: ['--tokens', '5'],
    command: `uniq -c <(grep '^event' <(curl -s $M/v1/messages -H 'x-api-key: k' -H 'anthropic-version: 2023-06-01' --json '{"model":"m","max_tokens":500,"stream":true,"messages":[{"role":"user","content":"hi"}]}'))`,
    expected: /^1 event: message_start .*5 event: content_block_delta .*1 event: message_stop$/,
  },
  {
    row: 8,
    name: 'Gemini generateContent',
    flags: [],
    command: `grep -o '"finishReason":"[^"]*"' <(curl -s $M/v1beta/models/m:generateContent -H 'x-goog-api-key: k' --json '{"contents":[{"parts":[{"text":"hi"}]}]}')`,
    expected: /^"finishReason":"STOP"$/,
  },
  {
    row: 9,
    name: '… streamed',
    flags: ['--tokens', '5'],
    command: `grep -c '"candidates"' <(curl -s "$M/v1beta/models/m:streamGenerateContent?alt=sse" -H 'x-goog-api-key: k' --json '{"contents":[{"parts":[{"text":"hi"}]}]}')`,
    expected: /^5$/,
  },
  {
    row: 10,
    name: 'Bedrock Converse',
    flags: [],
    command: `grep -o '"stopReason":.*' <(curl -s $M/model/m/converse --aws-sigv4 aws:amz:us-east-1:bedrock --user AKIA:any --json '{"messages":[{"role":"user","content":[{"text":"hi"}]}]}')`,
    expected: /^"stopReason":"end_turn","usage":\{.*"metrics":\{"latencyMs":\d+\}\}$/,
  },
  {
    row: 11,
    name: '… as an AWS event stream',
    flags: ['--tokens', '5'],
    command: `uniq -c <(node -e '${EVENT_STREAM}' $M)`,
    expected: /^1 messageStart \/ 5 contentBlockDelta \/ 1 contentBlockStop \/ 1 messageStop \/ 1 metadata$/,
  },
  {
    row: 12,
    name: "Azure OpenAI's paths",
    flags: [],
    command: `curl -s -o /dev/null -w '%{http_code}' "$M/openai/deployments/m/chat/completions?api-version=2024-10-21" -H 'api-key: k' --json "$J"`,
    expected: /^200$/,
  },
  {
    row: 13,
    name: 'Tool calls in answers',
    flags: [],
    command: `grep -o '"function":{.*}}.,' <(curl -s $M/v1/chat/completions --json '${TOOLS}')`,
    expected: /^"function":\{"name":"weather","arguments":"\{\\"city\\":\\"x\\"\}"\}\}\],/,
  },
]
