import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { FULL, FULL_ENV } from './config.test-data.ts'
import { changedFile } from './config.test-support.ts'
import { ConfigError, parseConfig } from './config.ts'
import { schemaFile, schemaText } from './write-schema.ts'

const published = readFileSync(schemaFile, 'utf8')

/** Ajv of the draft that the schema is in: the one that fastify depends on; the one at the root is older. */
function strictValidator(): (file: unknown) => boolean {
  const from = (path: string, name: string): string => createRequire(path).resolve(name)
  const compiler = from(from(import.meta.filename, 'fastify'), '@fastify/ajv-compiler')
  const { Ajv2020 } = createRequire(compiler)('ajv/dist/2020') as {
    Ajv2020: new (options: object) => { compile(schema: unknown): (file: unknown) => boolean }
  }
  return new Ajv2020({ strict: true, strictTypes: true }).compile(JSON.parse(published))
}

const isValid = strictValidator()

function isAccepted(file: unknown): boolean {
  try {
    parseConfig(file, FULL_ENV)
    return true
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return false
  }
}

/** From blocks of JSON and from files that a shell example writes. */
function configurationsIn(markdown: string): unknown[] {
  const blocks = [...markdown.matchAll(/^```json\n(.*?)^```/gms), ...markdown.matchAll(/<<'?EOF'?\n(.*?)^EOF$/gms)]
  return blocks
    .map(([, text = '']): unknown => JSON.parse(text))
    .filter((example) => typeof example === 'object' && example !== null && 'providers' in example)
}

test('config.schema.json is what config-file.ts says', () => {
  // Not assert.equal, which would print both texts whole.
  assert.ok(published === schemaText(), 'stale: run node gateway/src/write-schema.ts')
})

test('the package exports it', () => {
  assert.equal(import.meta.resolve('@gatebench/gateway/config.schema.json'), schemaFile.href)
})

describe('the published schema, in another validator and its strict mode,', () => {
  test('accepts a file that uses every setting and refuses a broken one', () => {
    assert.equal(isValid(FULL), true)
    assert.equal(isValid({ ...FULL, config: { initial_pool_size: 1.5 } }), false)
    assert.equal(isValid({ providers: {} }), false)
    assert.equal(isValid({ providers: { 'a/b': { keys: [{ value: 'x' }] } } }), false)
  })

  test('refuses nothing that the gateway accepts', () => {
    fc.assert(
      fc.property(changedFile(FULL), (file) => {
        if (isAccepted(file)) assert.equal(isValid(file), true)
      }),
    )
  })

  test('accepts every configuration in the READMEs, and so does the gateway without a warning', () => {
    const readmes = ['../README.md', '../../README.md'].map((path) =>
      readFileSync(new URL(path, import.meta.url), 'utf8'),
    )
    const examples = readmes.flatMap(configurationsIn)
    assert.ok(examples.length > 0)
    for (const example of examples) {
      assert.equal(isValid(example), true)
      // Whatever variables an example names are set.
      const env = Object.fromEntries(
        [...JSON.stringify(example).matchAll(/"env\.(\w+)"/g)].map(([, name = '']) => [
          name,
          'https://0123456789abcdef',
        ]),
      )
      assert.deepEqual(parseConfig(example, env).warnings, [])
    }
  })

  test('describes every setting', () => {
    const undescribed: string[] = []
    const look = (path: string, schema: Record<string, unknown>): void => {
      const { properties = {}, patternProperties = {}, items } = schema as Record<string, Record<string, never>>
      for (const [name, property] of Object.entries<Record<string, unknown>>(properties)) {
        const isGroup = 'properties' in property
        if (!isGroup && !('description' in property)) undescribed.push(`${path}.${name}`)
        look(`${path}.${name}`, property)
      }
      for (const property of Object.values<Record<string, unknown>>(patternProperties)) look(`${path}.*`, property)
      if (items) look(`${path}.0`, items)
    }
    look('', JSON.parse(published) as Record<string, unknown>)
    assert.deepEqual(undescribed, [])
  })
})
