import type { SnapshotSource } from './snapshot.ts'
import { StageHistograms } from './stage-histograms.ts'
import { Traffic } from './traffic.ts'

/** What a snapshot is taken of, without a gateway behind it: nothing counted, one provider. */
export function uncountedSource(labelNames: readonly string[] = []): SnapshotSource & { traffic: Traffic } {
  return {
    traffic: new Traffic(labelNames),
    histograms: new StageHistograms(),
    providers: [
      {
        name: 'openai',
        queue: { active: 1, buffered: 2, waitingForRoom: 3 },
        pool: { counters: { open: 9, idle: 5, inUse: 4, waiting: 6, openedTotal: 11 } },
        deadlines: { pending: 7 },
      },
    ],
    contexts: { inUse: 8, total: 20, grown: 1 },
    waitingBodyBytes: 4_096,
    clockCostNs: 40,
    batchMeansNs: { json_marshaling: 500 },
  }
}

export const FACTS = { residentBytes: 64e6, cpuS: 1.5, eventLoopActiveS: 1, eventLoopIdleS: 9, openFds: 30 }
