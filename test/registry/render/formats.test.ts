/** The formats, each read by the program that it is for, where Debian has it. What has none is compared with its text. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { parseConfigOrThrow } from '../../../src/config/parse.ts';
import { formatCidr } from '../../../src/ip.ts';
import { formatKey } from '../../../src/keys.ts';
import { FORMAT_NAMES, renderConfig, type Format } from '../../../src/registry/render/formats.ts';
import { HostConfig } from '../../../src/registry/wire.ts';
import { run } from '../../cli/peerage.ts';
import { readGuide, tableRows } from '../../docs/markdown.ts';
import { CONFIG, hostileConfigs, OPTIONS } from './some-config.ts';

const PRIVATE_KEY = 'wM2Wnfr0lO2EzYOmJ60TEf6rp/JjqS4p4AaAdYOOjXA=';
const [maeve, charlotte, teddy] = CONFIG.peers as [
  HostConfig['peers'][0],
  HostConfig['peers'][0],
  HostConfig['peers'][0],
];

const render = (format: Format) => renderConfig(format, CONFIG, OPTIONS);

/** What a program prints that has to end well. */
async function output(program: string, args: readonly string[], input = ''): Promise<string> {
  const { exitCode, stdout, stderr } = await run(program, args, { input });
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

async function fileOf(t: TestContext, name: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-format-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, name);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

describe('every format', () => {
  test('refuses a text with a character that could mean something, and does not repeat it', () => {
    for (const format of FORMAT_NAMES)
      fc.assert(
        fc.property(hostileConfigs, (config) => {
          assert.throws(() => renderConfig(format, config, OPTIONS), {
            name: 'RangeError',
            message: /^"(network|host|peer)" expected names, keys, addresses and endpoints without other characters$/,
          });
        }),
      );
  });

  test('refuses a name of the interface, and wg-quick an address of the registry, that would begin a line', () => {
    for (const format of FORMAT_NAMES)
      assert.throws(() => renderConfig(format, CONFIG, { ...OPTIONS, interface: 'wg0\nreboot' }), RangeError);
    for (const end of ['\n', '\r', '\u2028']) {
      const registryUrl = `https://vpn.example.net/${end}PostUp = reboot`;
      assert.throws(() => renderConfig('wg-quick', CONFIG, { ...OPTIONS, registryUrl }), RangeError);
    }
  });

  test('takes what the wire format allows', () => {
    assert.deepEqual(HostConfig.parse(CONFIG), CONFIG);
    for (const format of FORMAT_NAMES) assert.notEqual(render(format), '');
  });

  test('stands in the guide', () => {
    const documented = tableRows(readGuide('formats'), 'format', 'for').map(([name = '']) => name.replaceAll('`', ''));
    assert.deepEqual(documented.toSorted(), [...FORMAT_NAMES, 'json'].toSorted());
  });
});

describe('a configuration', () => {
  test('for wg-quick is read by wg-quick, and is the one for wg once the key is there', async (t) => {
    const file = await fileOf(t, 'wg0.conf', render('wg-quick'));
    const stripped = parseConfigOrThrow(await output('wg-quick', ['strip', file]), { file });
    assert.deepEqual(stripped, parseConfigOrThrow(render('wg'), { file: 'wg' }));
    assert.deepEqual(
      stripped.peers.map((peer) => [formatKey(peer.publicKey), peer.allowedIps.map(formatCidr)]),
      CONFIG.peers.map((peer) => [peer.publicKey, peer.allowedIps]),
    );
  });

  test('for NetworkManager is all understood by nmcli, with the line that the host appends', async () => {
    const file = `${render('networkmanager')}private-key=${PRIVATE_KEY}\n`;
    const understood = readSections(
      await output('nmcli', ['--offline', 'connection', 'modify', 'connection.autoconnect', 'yes'], file),
    );
    const { uuid, ...connection } = understood['connection'] ?? {};
    assert.match(uuid ?? '', /^[0-9a-f-]{36}$/);
    assert.deepEqual(
      { ...understood, connection },
      {
        connection: { id: 'wg0', type: 'wireguard', 'interface-name': 'wg0' },
        wireguard: { 'listen-port': '51000', 'private-key': PRIVATE_KEY },
        [`wireguard-peer.${maeve.publicKey}`]: {
          endpoint: '[2001:db8::1]:51001',
          'allowed-ips': '10.1.2.4/32;fd00:1:2:3::4/128;',
          'persistent-keepalive': '25',
        },
        [`wireguard-peer.${charlotte.publicKey}`]: {
          endpoint: 'charlotte.example.net:51002',
          'allowed-ips': '10.1.2.5/32;fd00:1:2:3::5/128;172.27.88.0/24;fd99::/48;',
        },
        [`wireguard-peer.${teddy.publicKey}`]: { 'allowed-ips': '10.1.2.6/32;', 'persistent-keepalive': '25' },
        ipv4: { method: 'manual', address1: '10.1.2.3/24' },
        ipv6: { method: 'manual', address1: 'fd00:1:2:3::3/64', ...understood['ipv6'] },
        proxy: {},
      },
    );
    assert.equal(understood['ipv6']?.['address1'], 'fd00:1:2:3::3/64');
  });

  test('for NixOS is a module that Nix evaluates', async (t) => {
    const file = await fileOf(t, 'peerage.nix', render('nixos'));
    const args = ['--store', 'dummy://', '--eval', '--strict', '--json', file];
    assert.deepEqual(JSON.parse(await output('nix-instantiate', args)), {
      networking: {
        firewall: { allowedUDPPorts: [51000] },
        wireguard: {
          interfaces: {
            wg0: {
              ips: ['10.1.2.3/24', 'fd00:1:2:3::3/64'],
              listenPort: 51000,
              privateKeyFile: '/etc/wireguard/wg0.key',
              peers: CONFIG.peers.map(({ name, publicKey, endpoint, allowedIps, persistentKeepalive }) => ({
                name,
                publicKey,
                allowedIPs: allowedIps,
                ...(endpoint !== null && { endpoint }),
                ...(persistentKeepalive !== 0 && { persistentKeepalive }),
              })),
            },
          },
        },
      },
    });
  });

  // Neither uci nor RouterOS is in Debian.
  test('for OpenWrt has a section for each peer, and the one of the interface last', () => {
    assert.equal(
      render('openwrt'),
      `# dolores.vpn.example.net in the network home, version 7
config wireguard_wg0 'wg0_maeve'
\toption description 'maeve.vpn.example.net'
\toption public_key '${maeve.publicKey}'
\tlist allowed_ips '10.1.2.4/32'
\tlist allowed_ips 'fd00:1:2:3::4/128'
\toption route_allowed_ips '1'
\toption endpoint_host '2001:db8::1'
\toption endpoint_port '51001'
\toption persistent_keepalive '25'

config wireguard_wg0 'wg0_charlotte_2'
\toption description 'charlotte-2.vpn.example.net'
\toption public_key '${charlotte.publicKey}'
\tlist allowed_ips '10.1.2.5/32'
\tlist allowed_ips 'fd00:1:2:3::5/128'
\tlist allowed_ips '172.27.88.0/24'
\tlist allowed_ips 'fd99::/48'
\toption route_allowed_ips '1'
\toption endpoint_host 'charlotte.example.net'
\toption endpoint_port '51002'

config wireguard_wg0 'wg0_teddy'
\toption description 'teddy.vpn.example.net'
\toption public_key '${teddy.publicKey}'
\tlist allowed_ips '10.1.2.6/32'
\toption route_allowed_ips '1'
\toption persistent_keepalive '25'

# The line option private_key '...' belongs at the end, added by this host, which alone knows it.
config interface 'wg0'
\toption proto 'wireguard'
\toption listen_port '51000'
\tlist addresses '10.1.2.3/24'
\tlist addresses 'fd00:1:2:3::3/64'
`,
    );
  });

  test('for RouterOS replaces what it set before, and leaves the private key alone', () => {
    assert.equal(
      render('routeros'),
      `# dolores.vpn.example.net in the network home, version 7
:if ([:len [/interface wireguard find name="wg0"]] = 0) do={ /interface wireguard add name="wg0" }
/interface wireguard set [find name="wg0"] listen-port=51000
/interface wireguard peers remove [find interface="wg0"]
/ip address remove [find interface="wg0"]
/ipv6 address remove [find interface="wg0" dynamic=no]
/ip route remove [find gateway="wg0" static]
/ipv6 route remove [find gateway="wg0" static]
/ip address add interface="wg0" address="10.1.2.3/24"
/ipv6 address add interface="wg0" address="fd00:1:2:3::3/64" advertise=no
/interface wireguard peers add interface="wg0" comment="maeve.vpn.example.net" public-key="${maeve.publicKey}" endpoint-address="2001:db8::1" endpoint-port=51001 allowed-address="10.1.2.4/32,fd00:1:2:3::4/128" persistent-keepalive=25s
/interface wireguard peers add interface="wg0" comment="charlotte-2.vpn.example.net" public-key="${charlotte.publicKey}" endpoint-address="charlotte.example.net" endpoint-port=51002 allowed-address="10.1.2.5/32,fd00:1:2:3::5/128,172.27.88.0/24,fd99::/48"
/interface wireguard peers add interface="wg0" comment="teddy.vpn.example.net" public-key="${teddy.publicKey}" allowed-address="10.1.2.6/32" persistent-keepalive=25s
/ip route add dst-address="172.27.88.0/24" gateway="wg0"
/ipv6 route add dst-address="fd99::/48" gateway="wg0"
`,
    );
  });
});

describe('an exit', () => {
  const exit: HostConfig['peers'][0] = { ...maeve, allowedIps: [...maeve.allowedIps, '0.0.0.0/0', '::/0'] };
  const config: HostConfig = { ...CONFIG, peers: [exit, charlotte] };

  test('for NixOS has its routes in a table of their own, and rules that lead there', async (t) => {
    const file = await fileOf(t, 'exit.nix', renderConfig('nixos', config, OPTIONS));
    const args = ['--store', 'dummy://', '--eval', '--strict', '--json', file];
    const evaluated = JSON.parse(await output('nix-instantiate', args)) as {
      networking: { wireguard: { interfaces: { wg0: Record<string, unknown> } } };
    };
    const { table, fwMark, postSetup, postShutdown } = evaluated.networking.wireguard.interfaces.wg0;
    assert.deepEqual([table, fwMark], ['51820', '51820']);
    const rules = [4, 6].flatMap((family) => [
      `ip -${family} rule add not fwmark 51820 table 51820`,
      `ip -${family} rule add table main suppress_prefixlength 0`,
    ]);
    assert.equal(postSetup, rules.join('; '));
    assert.equal(postShutdown, rules.join('; ').replaceAll('rule add', 'rule delete'));
  });

  test('for RouterOS is left to its administrator, with a word about it', () => {
    const text = renderConfig('routeros', config, OPTIONS);
    assert.doesNotMatch(text, /^\/\S* route add dst-address="(0\.0\.0\.0|::)\/0"/m);
    assert.match(text, /^# A default route \(::\/0\) through wg0 is yours to set\.$/m);
    assert.match(text, /^\/ip route add dst-address="172\.27\.88\.0\/24" gateway="wg0"$/m);
  });
});

describe('names', () => {
  test('as a zone are a zone that BIND would load, without a warning', async (t) => {
    const file = await fileOf(t, 'zone', render('zone'));
    const text = await output('named-checkzone', ['-i', 'local', '-D', 'vpn.example.net', file]);
    const records = text.split('\n').map((line) => line.replaceAll(/\s+/g, ' '));
    for (const record of [
      'vpn.example.net. 60 IN SOA localhost. nobody.invalid. 7 3600 600 604800 60',
      'dolores.vpn.example.net. 60 IN A 10.1.2.3',
      'dolores.vpn.example.net. 60 IN AAAA fd00:1:2:3::3',
      'charlotte-2.vpn.example.net. 60 IN A 10.1.2.5',
      'teddy.vpn.example.net. 60 IN A 10.1.2.6',
    ])
      assert.ok(records.includes(record), `${record}\n${text}`);
    assert.equal(records.filter((record) => / IN (A|AAAA) /.test(record)).length, 7);
  });
});

/** An INI file without comments. */
function readSections(text: string): Record<string, Record<string, string>> {
  const sections: Record<string, Record<string, string>> = {};
  let section: Record<string, string> = {};
  for (const line of text.split('\n').filter((line) => line !== '')) {
    const [, name] = /^\[(.*)\]$/.exec(line) ?? [];
    if (name !== undefined) section = sections[name] = {};
    else section[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1);
  }
  return sections;
}
