/** All the formats that a host gets its configuration in, besides JSON. Each is text, and none holds a private key. */
import type { HostConfig } from '../wire.ts';
import { renderHostsFile } from './hosts-file.ts';
import { namesOf } from './names.ts';
import { renderNetworkManager } from './network-manager.ts';
import { renderNetdev, renderNetwork } from './networkd.ts';
import { renderNixos } from './nixos.ts';
import { renderOpenWrt } from './openwrt.ts';
import { expectPlain, plainConfig, type PlainConfig } from './plain.ts';
import { renderRouterOs } from './routeros.ts';
import type { FormatOptions } from './view.ts';
import { renderWg, renderWgQuick } from './wg-config.ts';
import { renderZone } from './zone.ts';

type Render = (config: PlainConfig, options: FormatOptions) => string;

const FORMATS = {
  'wg-quick': renderWgQuick,
  wg: renderWg,
  netdev: renderNetdev,
  network: renderNetwork,
  networkmanager: renderNetworkManager,
  routeros: renderRouterOs,
  openwrt: renderOpenWrt,
  nixos: renderNixos,
  hosts: (config) => renderHostsFile(namesOf(config)),
  zone: (config) => renderZone(namesOf(config)),
} satisfies Record<string, Render>;

export type Format = keyof typeof FORMATS;

export const FORMAT_NAMES = Object.keys(FORMATS) as Format[]; // Object.keys forgets them

/** Throws RangeError when a text of the configuration or a name holds characters that mean something in one of the formats. */
export function renderConfig(format: Format, config: HostConfig, options: FormatOptions): string {
  expectPlain('interface', [options.interface]);
  return FORMATS[format](plainConfig(config), options);
}
