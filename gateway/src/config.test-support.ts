import fc from 'fast-check'

type Path = readonly (string | number)[]

/** Values that a hand, a template or an attacker puts into a file, besides any JSON. */
const slips = fc.constantFrom<unknown[]>(
  ...[null, true, '', 'env.', 'env.NO_SUCH', 'a\nb', 0, -1, 1.5, 1e309, -0, 2 ** 31, 1e-9, {}, []],
  JSON.parse('{"__proto__": {"value": "x"}, "constructor": 1, "toString": 2}'),
)

/** A valid file in which up to four places, whole sections among them, hold something else. */
export function changedFile(file: object): fc.Arbitrary<unknown> {
  const paths = pathsOf(file)
  const change = fc.record({ path: fc.constantFrom(...paths), value: fc.oneof(slips, fc.jsonValue()) })
  return fc
    .array(change, { maxLength: 4 })
    .map((changes) =>
      changes.reduce<unknown>((changed, { path, value }) => withValue(changed, path, value), structuredClone(file)),
    )
}

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const inside = Array.isArray(value)
    ? value.flatMap((item, index) => pathsOf(item, [...path, index]))
    : Object.entries(value).flatMap(([name, item]) => pathsOf(item, [...path, name]))
  return [path, ...inside]
}

/** Unchanged where an earlier change has taken the place away. */
function withValue(file: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return structuredClone(value)
  if (typeof file !== 'object' || file === null || !Object.hasOwn(file, step)) return file
  const holder = file as Record<string | number, unknown>
  Object.defineProperty(holder, step, { ...PLAIN, value: withValue(holder[step], rest, value) })
  return holder
}

const PLAIN = { configurable: true, enumerable: true, writable: true }
