/**
 * The names as a zone file, RFC 1035 section 5. Who loads it serves it: so it names no server but the one that it is
 * loaded by, as the zones of RFC 6303 do.
 */
import { familyOf } from './view.ts';
import { serialOf, type Names } from './names.ts';

/** How long an answer may be kept: as long as hosts take to hear of a change. */
export const NAME_TTL_SECONDS = 60;

/** `refresh retry expire` are for secondaries, which have the file again as soon as this one does. */
const TIMES = `3600 600 604800 ${NAME_TTL_SECONDS}`;

export function renderZone({ suffix, version, hosts }: Names): string {
  const lines = [
    `$ORIGIN ${suffix}.`,
    `$TTL ${NAME_TTL_SECONDS}`,
    `@ IN SOA localhost. nobody.invalid. ${serialOf(version)} ${TIMES}`,
    '@ IN NS localhost.',
    ...hosts.flatMap(({ name, addresses }) =>
      addresses.map((address) => `${name} IN ${familyOf(address) === 4 ? 'A' : 'AAAA'} ${address}`),
    ),
    '',
  ];
  return lines.join('\n');
}
