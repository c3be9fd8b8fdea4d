import { setTimeout as sleep } from 'node:timers/promises'

import type { Fault, ProcessKind, Step } from './schedule.ts'
import type { World } from './world.ts'

/**
 * Does it to the server. False where there was nothing to do it to: another store, no such process at this moment. `onKill` is called as soon as
 * a process was killed; what is not started again by itself is then started again.
 */
export async function strike(world: World, { fault, choice }: Step, onKill: () => void): Promise<boolean> {
  switch (fault.kind) {
    case 'kill': {
      if (signal(world, fault.what, choice, 'SIGKILL') === undefined) return false
      onKill()
      if (fault.what === 'supervisor') await world.startAgain()
      return true
    }
    case 'kill_at_commit':
      return await killAtCommit(world, fault.what, choice, onKill)
    case 'hang':
      return await hang(world, fault, choice, onKill)
    case 'pause':
      return await pause(world, fault, choice)
    case 'cut':
      world.proxy.cut(fault.every)
      return true
    case 'lost_answers':
      world.proxy.loseAnswers(fault.count, fault.onlyCommits)
      return true
    case 'lost_commits':
      return await forAWhile(fault.ms, async (isOn) => world.proxy.setLosesCommits(isOn))
    case 'bad_store':
      return world.hasStoreLine && (await forAWhile(fault.ms, async (isOn) => world.setStoreIsBad(isOn)))
    case 'full_disk':
      return world.hasSmallDisk && (await forAWhile(fault.ms, (isOn) => world.setDiskIsFull(isOn)))
    case 'clock_step':
      await world.stepClock(fault.ms)
      return true
  }
}

/** Whoever commits nothing for so long is killed without. */
const commitMsMax = 1500

async function killAtCommit(
  world: World,
  what: 'api' | 'worker',
  choice: number,
  onKill: () => void,
): Promise<boolean> {
  await world.proxy.afterCommitOf(`biwa ${what}`, commitMsMax)
  if (signal(world, what, choice, 'SIGKILL') === undefined) return false
  onKill()
  return true
}

async function hang(
  world: World,
  fault: Extract<Fault, { kind: 'hang' }>,
  choice: number,
  onKill: () => void,
): Promise<boolean> {
  const pid = signal(world, fault.what, choice, 'SIGSTOP')
  if (pid === undefined) return false
  await sleep(fault.ms)
  const isDead = send(pid, 'SIGKILL')
  // Another strand may have killed it meanwhile, and looks after the rest.
  if (!isDead) return false
  onKill()
  if (fault.what === 'supervisor') await world.startAgain()
  return true
}

async function pause(world: World, fault: Extract<Fault, { kind: 'pause' }>, choice: number): Promise<boolean> {
  const pid = signal(world, fault.what, choice, 'SIGSTOP')
  if (pid === undefined) return false
  await sleep(fault.ms)
  return send(pid, 'SIGCONT')
}

async function forAWhile(ms: number, set: (isOn: boolean) => Promise<void>): Promise<true> {
  await set(true)
  await sleep(ms)
  await set(false)
  return true
}

/** The process that got it. */
function signal(world: World, kind: ProcessKind, choice: number, name: NodeJS.Signals): number | undefined {
  const pids = world.processesOf(kind)
  const pid = pids[Math.floor(choice * pids.length)]
  return pid !== undefined && send(pid, name) ? pid : undefined
}

function send(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
