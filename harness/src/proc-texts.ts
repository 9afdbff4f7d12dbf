/** Readers of the texts under /proc: pure, and undefined where a text is not of the form. See proc(5). */

/** CPU counters are in ticks of USER_HZ, which is 100 on every Linux that node runs on. */
const MS_PER_TICK = 10

export interface ProcessStat {
  parentPid: number
  userMs: number
  systemMs: number
}

/** /proc/PID/stat */
export function parseProcessStat(text: string): ProcessStat | undefined {
  // The second field is the program's own name in parentheses and may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [parentPid, userTicks, systemTicks] = [Number(fields[1]), Number(fields[11]), Number(fields[12])]
  if (![parentPid, userTicks, systemTicks].every(Number.isInteger)) return undefined
  return { parentPid, userMs: userTicks * MS_PER_TICK, systemMs: systemTicks * MS_PER_TICK }
}

export interface ProcessMemory {
  rssKiB: number
  /** The kernel's high-water mark of it; absent where the kernel does not keep one. */
  peakKiB?: number
}

/** /proc/PID/status; undefined also for a process that has ended and lost its memory. */
export function parseProcessMemory(text: string): ProcessMemory | undefined {
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(text)
  if (!rss) return undefined
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(text)
  return { rssKiB: Number(rss[1]), ...(peak && { peakKiB: Number(peak[1]) }) }
}

export interface HostCpu {
  totalMs: number
  /** Neither idle nor waiting for a disk, steal apart. */
  busyMs: number
  /** Wanted by this machine, and given to another by the hypervisor. */
  stealMs: number
}

/** The first line of /proc/stat: all CPUs together. */
export function parseHostCpu(text: string): HostCpu | undefined {
  const match = /^cpu\s+(.+)$/m.exec(text)
  const ticks = match?.[1]?.trim().split(/\s+/).map(Number)
  if (!ticks || ticks.length < 4 || !ticks.every(Number.isFinite)) return undefined
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, steal = 0] = ticks
  // guest and guest_nice are already inside user and nice.
  const busy = user + nice + system + irq + softIrq
  return {
    totalMs: (busy + idle + ioWait + steal) * MS_PER_TICK,
    busyMs: busy * MS_PER_TICK,
    stealMs: steal * MS_PER_TICK,
  }
}

/** /proc/PID/task/TID/children: the processes that this thread started. */
export function parseChildren(text: string): number[] {
  return text
    .trim()
    .split(/\s+/)
    .filter((word) => /^\d+$/.test(word))
    .map(Number)
}

/** The soft limit of "Max open files" in /proc/PID/limits; Infinity for "unlimited". */
export function parseFileLimit(text: string): number | undefined {
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1]
  if (soft === undefined) return undefined
  if (soft === 'unlimited') return Infinity
  return /^\d+$/.test(soft) ? Number(soft) : undefined
}

/** /proc/sys/net/ipv4/ip_local_port_range */
export function parsePortRange(text: string): { first: number; last: number } | undefined {
  const match = /^(\d+)\s+(\d+)\s*$/.exec(text)
  return match ? { first: Number(match[1]), last: Number(match[2]) } : undefined
}

/** Sockets in TIME_WAIT, from /proc/net/sockstat. */
export function parseTimeWait(text: string): number | undefined {
  const match = /^TCP:.*\btw (\d+)/m.exec(text)
  return match ? Number(match[1]) : undefined
}
