import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addedLatency } from './added-latency.ts'
import { frontier } from './frontier.ts'
import { latencyPercentiles } from './latency-percentiles.ts'
import { memory } from './memory.ts'
import { shorten } from './theme.ts'

const around = (value: number) => ({ value, low: value - 3, high: value * 1.1 + 3 })
const PERCENTILES = [0, 50, 75, 90, 99, 99.9, 99.99, 100]
const BOUNDS_MS = [1, 5, 10, 50, 100, null]

/** The four charts of the same targets, each slower than the last. */
const CHARTS = {
  latencyPercentiles: (names: string[]) =>
    latencyPercentiles({
      title: 'Latency & more',
      series: names.map((name, index) => ({
        name,
        points: PERCENTILES.map((percentile, at) => ({ percentile, ms: 1.2 + index * 5 * (at + 1) })),
      })),
    }),
  addedLatency: (names: string[]) =>
    addedLatency({
      title: 'Latency & more',
      unit: 'us',
      rows: names.map((name, index) => ({
        name,
        mean: around(index ** 5),
        p50: around(index ** 5 / 2),
        p99: around(index ** 5 * 3),
        upperBound: index % 2 === 1,
      })),
      smallestUs: 25,
    }),
  frontier: (names: string[]) =>
    frontier({
      title: 'Latency & more',
      targets: names.map((name, index) => ({
        name,
        points: BOUNDS_MS.map((boundMs) => ({ boundMs, ratePerSec: 9_000 / (index + 1) })),
      })),
    }),
  memory: (names: string[]) =>
    memory({
      title: 'Latency & more',
      series: names.map((name, index) => ({
        name,
        points: Array.from({ length: 60 }, (_, second) => ({ second, mib: 20 + index * 90 + second })),
      })),
    }),
}

const ENTITIES: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' }

interface Text {
  text: string
  /** px from the top */
  y: number
}

/** Throws unless every element that begins also ends, in order; gives what is written in the chart. */
function parse(svg: string): Text[] {
  const open: string[] = []
  const texts: Text[] = []
  const markup = svg.replace(/<!\[CDATA\[.*?\]\]>/gs, '')
  for (const [, close, tag, attributes, empty, text] of markup.matchAll(
    /<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>([^<]*)/g,
  )) {
    if (close) assert.equal(open.pop(), tag)
    else if (!empty) open.push(tag!)
    assert.doesNotMatch(text!, /&(?!(lt|gt|quot|amp|#39);)|>/)
    if (tag !== 'text' || close) continue
    // Upright texts are placed by a translation; only the turned titles of axes are not.
    const y = Number(/translate\([-\d.]+ ([-\d.]+)\)/.exec(attributes!)?.[1])
    texts.push({ text: text!.replace(/&[^;]+;/g, (entity) => ENTITIES[entity]!), y })
  }
  assert.deepEqual(open, [])
  assert.equal(markup.match(/</g)!.length, markup.match(/<\/?[a-zA-Z]+[\s>]/g)!.length)
  return texts
}

const EIGHT = [
  'direct',
  'nginx',
  'haproxy',
  'builtin',
  'portkey',
  'litellm',
  'bifrost',
  'http://10.0.0.1:8080/v1/gateway',
]

const SETS: Record<string, string[]> = {
  'one target': ['builtin'],
  'eight targets': EIGHT,
  'names of markup': ['<b>&"\'', '{a|b}', 'two\nlines', '</text>'],
  'no target': [],
}

const AXIS_TITLES: Record<keyof typeof CHARTS, RegExp> = {
  latencyPercentiles: /^latency, ms, log scale$/,
  addedLatency: /^added latency, us, log scale, linear within 10 of 0$/,
  frontier: /^requests per second, log scale$/,
  memory: /^resident memory, MiB$/,
}

for (const chart of ['latencyPercentiles', 'addedLatency', 'frontier', 'memory'] as const) {
  describe(chart, () => {
    for (const [what, names] of Object.entries(SETS)) {
      test(`of ${what} is well-formed in both themes, with all names and only numbers`, async () => {
        const svgs = await CHARTS[chart](names)
        assert.notEqual(svgs.light, svgs.dark)
        for (const svg of [svgs.light, svgs.dark]) {
          assert.doesNotMatch(svg, /NaN|undefined|Infinity|null/)
          const texts = parse(svg)
          assert.ok(texts.some(({ text }) => text === 'Latency & more'))
          const heights = names.map((name) => texts.find(({ text }) => text === shorten(name))!.y)
          // Font size 12: names closer than this would touch.
          for (const [at, y] of heights.slice(1).entries()) assert.ok(y - heights[at]! >= 15)
        }
      })
    }

    test('names the unit of its axis', async () => {
      const { light } = await CHARTS[chart](['nginx', 'litellm', 'portkey', 'builtin'])
      assert.ok(parse(light).some(({ text }) => AXIS_TITLES[chart].test(text)))
    })
  })
}

const textsOf = async (svgs: Promise<{ light: string }>) => parse((await svgs).light).map(({ text }) => text)

describe('figures that are missing', () => {
  test('a target without latencies keeps its place in the legend', async () => {
    const series = [
      { name: 'nginx', points: [{ percentile: 50, ms: 3 }] },
      { name: 'bifrost', points: [] },
    ]
    assert.ok((await textsOf(latencyPercentiles({ title: '', series }))).includes('bifrost'))
  })

  test('a target without added latency is said not to be measured', async () => {
    const rows = [{ name: 'nginx', p50: around(50) }, { name: 'bifrost' }]
    const texts = await textsOf(addedLatency({ title: '', unit: 'ms', rows }))
    assert.equal(texts.filter((text) => text === 'not measured').length, 1)
    assert.ok(!texts.some((text) => text.includes('not distinguishable') || text.startsWith('hollow')))
  })

  test('a target that carried no rate is explained in the legend', async () => {
    const targets = [{ name: 'litellm', points: [{ boundMs: 1 }, { boundMs: null, ratePerSec: 300 }] }]
    const texts = await textsOf(frontier({ title: '', targets }))
    assert.ok(texts.includes('x at the foot: no rate'))
    assert.ok(!texts.some((text) => text.startsWith('hollow')))
  })

  test('a rate that an instrument limited is explained in the legend', async () => {
    const targets = [
      {
        name: 'nginx',
        points: [
          { boundMs: 1, limitedBy: 'search_limit' },
          { boundMs: 5, ratePerSec: 9_000, limitedBy: 'mock' },
        ],
      },
    ]
    const texts = await textsOf(frontier({ title: '', targets }))
    assert.ok(texts.includes('hollow: limited by'))
    assert.ok(!texts.includes('x at the foot: no rate'))
  })
})

test('bounds come in order, the unbounded last', async () => {
  const texts = await textsOf(CHARTS.frontier(['nginx']))
  assert.deepEqual(
    texts.filter((text) => text.startsWith('≤') || text === 'no bound'),
    ['≤ 1 ms', '≤ 5 ms', '≤ 10 ms', '≤ 50 ms', '≤ 100 ms', 'no bound'],
  )
})

test('what cannot be told from none is named with its size', async () => {
  const texts = await textsOf(CHARTS.addedLatency(['nginx']))
  assert.ok(texts.includes('within 25.0 us: not distinguishable from none'))
})
