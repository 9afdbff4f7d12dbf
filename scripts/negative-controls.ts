/**
 * Does the method of a comparison find what is there, and nothing where nothing is? A calibration, and a comparison of one target with
 * itself, several times each, in turns. Reads what `bench` prints as JSON.
 *
 *   node scripts/negative-controls.ts [--times 5] [--only calibrate|twins]
 */
import { parseArgs } from 'node:util'
import type { CompareRecord, ControlRecord, Interval } from '../harness/src/compare/record.ts'
import { temporaryFolder } from './lib/programs.ts'
import { runBenchJson } from './lib/support.ts'

const { values } = parseArgs({ options: { times: { type: 'string', default: '5' }, only: { type: 'string' } } })
const times = Number(values.times)
const out = temporaryFolder('negative-controls')

/** Fewer rounds than by default, so that five of each take less than half an hour. */
const CALIBRATE = ['calibrate', '--rounds', '8']
/** Without controls of its own, the verdict rests on the interval alone: no smallest difference helps. */
const TWINS = [
  ...['compare', '--targets', 'nginx,again=nginx', '--rate', '200', '--latency', '50'],
  ...['--duration', '2', '--warmup', '1', '--cooldown', '0', '--skip-controls'],
]

const us = ({ value, low, high }: Interval): string =>
  `${value.toFixed(0)} us (${low.toFixed(0)} to ${high.toFixed(0)})`

let held = 0
let found = 0
let alike = 0
for (let time = 1; time <= times; time++) {
  if (values.only !== 'twins') {
    const { controls, smallestUs } = (await runBenchJson([
      ...CALIBRATE,
      '--seed',
      String(time),
      '--out',
      out,
    ])) as ControlRecord
    for (const { name, actualUs, foundUs, holds, told } of controls) {
      console.log(
        `${time} ${name}: added ${actualUs?.toFixed(0) ?? '?'} us, found ${foundUs ? us(foundUs) : 'nothing'} ${holds ? (told ? 'found' : 'holds, NOT TOLD FROM NONE') : 'DOES NOT HOLD'}`,
      )
    }
    console.log(`${time} smallest difference that can be told: ${smallestUs.toFixed(0)} us`)
    const [least] = controls
    if (least?.holds === true) held++
    if (least?.holds === true && least.told === true) found++
  }
  if (values.only !== 'calibrate') {
    const { pairs } = (await runBenchJson([...TWINS, '--seed', String(time), '--out', out])) as CompareRecord
    const [pair] = pairs
    if (!pair) continue
    console.log(
      `${time} nginx less itself: ${us(pair.meanUs)}, ${pair.distinguishable ? 'DISTINGUISHABLE' : 'not distinguishable'}`,
    )
    if (!pair.distinguishable) alike++
  }
}
if (values.only !== 'twins')
  console.log(`100 us inside the interval ${held} times of ${times}; and that interval above 0 ${found} times`)
if (values.only !== 'calibrate')
  console.log(`one target under two names not distinguishable ${alike} times of ${times}`)
process.exitCode =
  (values.only === 'twins' || held === times) && (values.only === 'calibrate' || alike === times) ? 0 : 1
