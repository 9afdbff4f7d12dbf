import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { UsageError } from '../errors.ts'
import { parseRelayFlags } from './relay-flags.ts'

const problemsOf = (args: string[]): readonly string[] => {
  try {
    parseRelayFlags(args)
  } catch (error) {
    if (error instanceof UsageError) return error.problems
    throw error
  }
  return []
}

const UPSTREAM = ['--upstream', 'http://127.0.0.1:8001']

describe('the flags of a relay', () => {
  for (const { args, upstream, delayUs } of [
    { args: [...UPSTREAM, '--delay-us', '0'], upstream: { host: '127.0.0.1', port: 8001 }, delayUs: 0 },
    { args: ['--delay-us=2.5', '--upstream=http://[::1]/'], upstream: { host: '::1', port: 80 }, delayUs: 2.5 },
  ]) {
    test(args.join(' '), () => {
      assert.deepEqual(parseRelayFlags(args), { upstream, delayUs })
    })
  }

  for (const { args, problems } of [
    {
      args: [],
      problems: [
        '--upstream: must be like http://127.0.0.1:8001, got nothing',
        '--delay-us: must be a number from 0 to 1000000, got nothing',
      ],
    },
    {
      args: ['--upstream', 'https://x:1', '--delay-us', '-1', 'word', '--port', '3'],
      problems: [
        'word: not known; there are --upstream and --delay-us',
        '3: not known; there are --upstream and --delay-us',
        '--port: not known; there are --upstream and --delay-us',
        '--upstream: must be like http://127.0.0.1:8001, got "https://x:1"',
        '--delay-us: must be a number from 0 to 1000000, got "-1"',
      ],
    },
    {
      args: [...UPSTREAM, '--delay-us', '1000001'],
      problems: ['--delay-us: must be a number from 0 to 1000000, got "1000001"'],
    },
    {
      args: ['--upstream', 'http://127.0.0.1:8001/v1', '--delay-us', '1ms'],
      problems: [
        '--upstream: must be like http://127.0.0.1:8001, got "http://127.0.0.1:8001/v1"',
        '--delay-us: must be a number from 0 to 1000000, got "1ms"',
      ],
    },
  ]) {
    test(`are refused, each by name and value: ${args.join(' ')}`, () => {
      assert.deepEqual(problemsOf(args), problems)
    })
  }
})
