import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STAGES } from '@gatebench/gateway/stages'
import { publishedFigures } from './published.ts'

test('both published profiles give every stage, the load, the payload and where it stands', () => {
  for (const profile of ['t3.medium', 't3.xlarge']) {
    const figures = publishedFigures(profile)!
    assert.equal(figures.profile, profile)
    for (const { name } of STAGES) assert.ok(figures.stagesUs[name] > 0, `${profile} ${name}`)
    assert.match(figures.source, /Bifrost benchmarking docs/)
    assert.match(
      figures.conditions.join('; '),
      /5,000 requests per second.*answer \d+\.\d+ KB.*buffer size.*overhead: /,
    )
  }
})

test('the two columns keep apart: each has its own machine and payload', () => {
  assert.match(publishedFigures('t3.medium')!.conditions.join('; '), /2 vCPU, 4 GiB.*answer 1\.37 KB/)
  assert.match(publishedFigures('t3.xlarge')!.conditions.join('; '), /4 vCPU, 16 GiB.*answer 10\.32 KB/)
})

test('nothing is published for a profile of another name', () => {
  assert.equal(publishedFigures('t3.large'), undefined)
  assert.equal(publishedFigures('toString'), undefined)
})
