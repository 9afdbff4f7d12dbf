/**
 * What the mock can do: every row of the comparison in mock-provider/README.md in which gatebench has a mark, shown by a
 * command against a mock with flags of its own, and checked against what it must print.
 *
 *   node scripts/mock-capabilities.ts [--only 14,15]
 *
 * Prints a markdown table; exit code 1: a command printed something else. Needs bash, curl 7.84 or newer, awk, grep.
 */
import { parseArgs } from 'node:util'
import { DELAYS_AND_SIZES } from './mock-capabilities/delays.ts'
import { DIALECTS } from './mock-capabilities/dialects.ts'
import { FAULTS } from './mock-capabilities/faults.ts'
import { OPERATION } from './mock-capabilities/operation.ts'
import { PREAMBLE } from './mock-capabilities/row.ts'
import { markdownRow, run } from './mock-capabilities/show.ts'

const { values: flags } = parseArgs({
  options: { only: { type: 'string' }, help: { type: 'boolean', short: 'h', default: false } },
})

if (flags.help) {
  console.log('node scripts/mock-capabilities.ts [--only 14,15]')
} else {
  await showAll()
}

async function showAll(): Promise<void> {
  const wanted = flags.only?.split(',').map(Number)
  const all = [...DIALECTS, ...DELAYS_AND_SIZES, ...FAULTS, ...OPERATION]
  const chosen = all.filter(({ row }) => wanted === undefined || wanted.includes(row))
  console.log(`\`\`\`sh\n${PREAMBLE}\`\`\`\n\n| row | command | printed |\n| --- | --- | --- |`)
  for (const capability of chosen) {
    const printed = await run(capability)
    console.log(markdownRow(capability, printed))
    if (capability.expected.test(printed)) continue
    process.exitCode = 1
    process.stderr.write(
      `row ${capability.row}: must print ${String(capability.expected)}, got ${printed.slice(0, 500)}\n`,
    )
  }
}
