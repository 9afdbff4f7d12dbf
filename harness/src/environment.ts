import { execa } from 'execa'
import { arch, cpus, platform, release, totalmem, type } from 'node:os'
import { readProcText } from './process-tree.ts'
import { parseFileLimit } from './proc-texts.ts'
import type { Result } from './recording.ts'

/** EC2's instance metadata service, at the same address on every instance. */
const METADATA_URL = 'http://169.254.169.254'
/** For both requests together: a run must not wait for a service that may not be there. */
const METADATA_TIMEOUT_MS = 300

export interface EnvironmentOptions {
  /** @default the EC2 metadata service */
  metadataUrl?: string
  /** Ask the metadata service. @default what the machine's own firmware says */
  onEc2?: boolean
}

/** What machine this is. The host's name is left out: results are published. */
export async function describeEnvironment(options: EnvironmentOptions = {}): Promise<Result['environment']> {
  const { metadataUrl = METADATA_URL, onEc2 = looksLikeEc2() } = options
  const [instanceType, gitCommit] = await Promise.all([
    onEc2 ? ec2InstanceType(metadataUrl) : undefined,
    currentGitCommit(),
  ])
  return {
    node: process.versions.node,
    os: `${type()} ${release()} ${arch()}`,
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    vcpus: cpus().length,
    memoryMiB: Math.round(memoryBytes() / 1024 ** 2),
    instanceType: instanceType ?? null,
    ...(gitCommit !== undefined && { gitCommit }),
    files: fileLimit(),
  }
}

/** Beyond any real need; stands for a system that does not say. */
const FILES_UNKNOWN = 1_048_576

/** File descriptors that one process may open. Node raises its own soft limit to the hard one when it starts. */
export function fileLimit(): number {
  const limit = parseFileLimit(readProcText('/proc/self/limits') ?? '') ?? FILES_UNKNOWN
  return Math.min(limit, FILES_UNKNOWN)
}

/** The machine's memory, or the control group's share of it. */
export function memoryBytes(): number {
  const limits = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']
    .map((path) => Number.parseInt(readProcText(path) ?? '', 10))
    .filter((bytes) => Number.isFinite(bytes))
  return Math.min(totalmem(), ...limits)
}

/** Xen instances carry a UUID that starts with ec2; Nitro instances name their maker in the firmware. */
export function looksLikeEc2(readText: (path: string) => string | undefined = readProcText): boolean {
  if (platform() !== 'linux') return false
  const makers = ['sys_vendor', 'board_vendor', 'bios_vendor'].map((key) => readText(`/sys/class/dmi/id/${key}`))
  return (
    makers.some((maker) => maker?.startsWith('Amazon') === true) ||
    readText('/sys/hypervisor/uuid')?.toLowerCase().startsWith('ec2') === true
  )
}

/** The instance type by IMDSv2: a token first, then the question. Undefined when it does not answer in time. */
export async function ec2InstanceType(
  metadataUrl: string,
  timeoutMs = METADATA_TIMEOUT_MS,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const token = await fetch(`${metadataUrl}/latest/api/token`, {
      method: 'PUT',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
      signal,
    })
    if (!token.ok) return undefined
    const answer = await fetch(`${metadataUrl}/latest/meta-data/instance-type`, {
      headers: { 'x-aws-ec2-metadata-token': await token.text() },
      signal,
    })
    const text = (await answer.text()).trim()
    return answer.ok && /^[a-z0-9.-]{1,40}$/.test(text) ? text : undefined
  } catch {
    return undefined
  }
}

/** Commit of the sources that run, with `-dirty` when they were changed since; undefined outside a git checkout. */
async function currentGitCommit(): Promise<string | undefined> {
  const cwd = import.meta.dirname
  const git = (...args: string[]) => execa('git', args, { cwd, reject: false, timeout: 5_000, stdin: 'ignore' })
  const [commit, status] = await Promise.all([
    git('rev-parse', '--short=12', 'HEAD'),
    git('status', '--porcelain', '--untracked-files=no'),
  ])
  if (commit.failed) return undefined
  return status.stdout === '' ? commit.stdout : `${commit.stdout}-dirty`
}
