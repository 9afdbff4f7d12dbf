import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CONTROL_DELAYS_US, measureControls } from '../calibrate/controls.ts'
import { observeRounds, setScene, withMock } from '../compare/compare.ts'
import type { CompareConfig } from '../compare/config.ts'
import { renderCalibration } from '../report/calibration-markdown.ts'
import { sayer } from './compare.ts'
import type { CommandIo } from './io.ts'

/**
 * `bench calibrate`: relays that add nothing, 100, 500 and 2,000 us, each found or not. Code 1 when one was not.
 *
 * @throws UsageError, TargetError; the runs that were measured are in the folder.
 */
export async function calibrateCommand(config: CompareConfig, io: CommandIo): Promise<{ exitCode: 0 | 1 }> {
  const scene = await setScene(config, 'calibrate', io.command, io.signal)
  const observer = observeRounds({ say: sayer(config, io) }, () => Promise.resolve())
  const control = await withMock(scene, (mock) =>
    measureControls({
      delaysUs: CONTROL_DELAYS_US,
      setting: { ...scene, mock, runsDir: scene.folder.runsDir },
      observer,
    }),
  )
  const setting = {
    schemaVersion: 1,
    kind: 'calibration',
    startedAt: scene.startedAt.toISOString(),
    environment: scene.environment,
    command: scene.command,
  }
  const { path } = scene.folder
  const record = `${JSON.stringify({ ...setting, ...control }, null, 2)}\n`
  await writeFile(join(path, 'calibration.json'), record)
  const report = renderCalibration(control, setting)
  await writeFile(join(path, 'report.md'), report)
  if (config.json) io.stdout(record)
  else if (!config.quiet) io.stdout(`${report}\nFiles  ${path}: report.md, calibration.json\n`)
  return { exitCode: control.controls.every(({ holds, told }) => holds && told === true) ? 0 : 1 }
}
