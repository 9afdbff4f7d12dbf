import type { CompareRecord, ControlRecord } from '../compare/record.ts'
import { machineText, systemText } from './compare/conditions.ts'
import { controlLines } from './compare/controls.ts'
import { listed } from './compare/prose.ts'
import { markdownTable } from './markdown-table.ts'
import { shellCommand } from './shell-command.ts'

/** Where and when the controls ran. */
export type CalibrationSetting = Pick<CompareRecord, 'startedAt' | 'environment' | 'command'>

/** Whether the method found what it should have found, in a sentence. */
export function calibrationAnswer({ controls }: ControlRecord): string {
  if (controls.length === 0) return 'NOT CALIBRATED: no control was measured'
  const failed = controls.filter(({ holds, told }) => !holds || told === false)
  return failed.length === 0
    ? `CALIBRATED: ${controls.length} of ${controls.length} known delays were found within their intervals, and told from none`
    : `NOT CALIBRATED: ${listed(failed.map(({ name, holds }) => `${name} ${holds ? 'was not told from none' : 'did not hold'}`))}`
}

/** The report of `bench calibrate`. */
export function renderCalibration(control: ControlRecord, setting: CalibrationSetting): string {
  const { startedAt, environment, command } = setting
  const commit = environment.gitCommit === undefined ? '' : `, commit ${environment.gitCommit}`
  const lines = [
    `# Calibration, ${startedAt.slice(0, 10)}`,
    '',
    `**${calibrationAnswer(control)}.**`,
    '',
    ...controlLines(control),
    '',
    ...markdownTable(
      ['', ''],
      [
        ['ran on', machineText(setting)],
        ['system', `${systemText(setting)}${commit}`],
        ['started', startedAt],
      ],
      ['left', 'left'],
    ),
    ...(command ? ['', '```sh', shellCommand(command), '```'] : []),
  ]
  return `${lines.join('\n')}\n`
}
