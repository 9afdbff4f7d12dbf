import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Secrets } from './secrets.ts'
import { FILE, knownSecrets, SECRETS } from './secrets.test-data.ts'

function secretsOf(...values: string[]): Secrets {
  const secrets = new Secrets()
  secrets.addValues(values)
  return secrets
}

describe('Secrets', () => {
  test('every secret of a configuration, wherever it stands', () => {
    const secrets = knownSecrets()
    for (const secret of SECRETS) {
      assert.equal(secrets.redact(`a ${secret}.`), `a ${'[key]'.padEnd(secret.length, '*')}.`)
    }
  })

  test('in heads, composed strings, and the text of the configuration itself', () => {
    const secrets = knownSecrets()
    const head = `authorization: Bearer ${SECRETS[0]}\r\nx-vendor: ${SECRETS[2]}\r\n`
    assert.equal(secrets.redact(head), 'authorization: Bearer [key]************\r\nx-vendor: [key]***********\r\n')
    const text = secrets.redact(JSON.stringify(FILE, undefined, 2))
    for (const secret of SECRETS) assert.ok(!text.includes(JSON.stringify(secret).slice(1, -1)), secret)
    // What is no secret stays to be read.
    assert.ok(text.includes('db.internal:5432/log') && text.includes('"second"'))
  })

  test('a secret that begins another one hides no end of it', () => {
    assert.equal(secretsOf('key-1', 'key-1-and-more').redact('key-1-and-more key-1'), '[key]********* [key]')
  })

  test('a short secret too, by a mark of its length', () => {
    assert.equal(secretsOf('abc').redact('x abc abc'), 'x [ke [ke')
  })

  test('a long string that V8 has cut within a secret shows no character of it', () => {
    const secret = 'sk-0123456789'
    for (let kept = 1; kept < secret.length; kept++) {
      const text = '.'.repeat(1_024 - kept) + secret.slice(0, kept)
      const redacted = secretsOf(secret, 'sk-other').redact(text)
      assert.equal(redacted, '.'.repeat(1_024 - kept) + '[key]'.padEnd(kept, '*').slice(0, kept))
    }
    // A string that is whole may end like a secret's beginning.
    assert.equal(secretsOf(secret).redact('task s'), 'task s')
  })

  test('no secrets, no change', () => {
    assert.equal(new Secrets().redact('anything'), 'anything')
    assert.equal(secretsOf('').redact('anything'), 'anything')
  })

  test('those of an earlier configuration stay secret', () => {
    const secrets = secretsOf('old-secret')
    secrets.addValues(['new-secret'])
    assert.equal(secrets.redact('old-secret new-secret'), '[key]***** [key]*****')
  })
})
