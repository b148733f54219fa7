/** Where a joined interface keeps its membership; apart from membership.ts, so that `up` need not load its schemas. */

export const MEMBERSHIP_FOLDER = '/var/lib/peerage';

export function membershipPath(interfaceName: string): string {
  return `${MEMBERSHIP_FOLDER}/${interfaceName}.json`;
}
