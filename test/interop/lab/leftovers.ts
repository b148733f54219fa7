/**
 * What a lab might leave behind, as far as it can be seen from outside: processes in namespaces that nobody else has.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** The network namespaces, other than our own, of a process and all that descend from it. */
export function namespacesBelow(pid: number): Set<string> {
  const children = Map.groupBy(processes(), parentOf);
  const namespaces = new Set<string>();
  const visit = (id: number): void => {
    const namespace = networkOf(id);
    if (namespace !== undefined) namespaces.add(namespace);
    for (const child of children.get(id) ?? []) visit(child);
  };
  visit(pid);
  namespaces.delete(networkOf(process.pid)!);
  return namespaces;
}

/** Processes of this machine that are in one of these network namespaces. */
export function processesIn(namespaces: ReadonlySet<string>): number[] {
  return processes().filter((pid) => {
    const namespace = networkOf(pid);
    return namespace !== undefined && namespaces.has(namespace);
  });
}

function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Undefined when the process has ended meanwhile, or is somebody else's. */
function networkOf(pid: number): string | undefined {
  return ifReadable(() => readlinkSync(`/proc/${pid}/ns/net`));
}

function parentOf(pid: number): number | undefined {
  // The name of the program, in parentheses, may hold spaces.
  return ifReadable(() =>
    Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[1],
    ),
  );
}

function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
