/**
 * The units for systemd(1): `peerage@.service`, one instance per interface, and `peerage-registry.service`.
 *
 * Both are Type=notify: the process stays in the foreground and says when it is ready, so that what is ordered after it finds
 * the interface, or the registry, answering. Sections and meanings: systemd.service(5), systemd.exec(5).
 */
import type { Self, ServiceFile, ServiceKind } from './service-file.ts';

export function systemdUnit(kind: ServiceKind, self: Self): ServiceFile {
  const command = self.map(quote).join(' ');
  return kind === 'interface'
    ? { name: 'peerage@.service', text: interfaceUnit(command), mode: 0o644 }
    : { name: 'peerage-registry.service', text: registryUnit(command), mode: 0o644 };
}

/** What no service of ours ever needs. Not MemoryDenyWriteExecute: a JavaScript engine compiles. */
const HARDENING = `NoNewPrivileges=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077`;

function interfaceUnit(command: string): string {
  return `[Unit]
Description=Peerage WireGuard interface %i
Wants=network-online.target nss-lookup.target
After=network-online.target nss-lookup.target

[Service]
Type=notify
# systemd-notify is a process of its own.
NotifyAccess=all
# PEERAGE_UP_OPTIONS=--open-firewall, for example.
EnvironmentFile=-/etc/default/peerage
ExecStart=${command} service run $PEERAGE_UP_OPTIONS %i
ExecReload=${command} service reload %i
Restart=on-failure
RestartSec=5s
# The main process takes the interface down in order, PreDown lines first; the others end with it.
KillMode=mixed

RuntimeDirectory=wireguard peerage
RuntimeDirectoryMode=0700
# Other interfaces have their sockets there, too.
RuntimeDirectoryPreserve=yes
StateDirectory=peerage
StateDirectoryMode=0700

# Interfaces, routes and firewalls; word of an interface that was moved to a container; iptables; ports below 1024; files that
# belong to another user than root. Not CAP_SYS_ADMIN: no namespace is entered.
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_BROADCAST CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_DAC_READ_SEARCH
DevicePolicy=closed
DeviceAllow=/dev/net/tun rw
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
# Not "full": DNS= makes resolvconf write below /etc. Sysctls stay writable for policy routing and PostUp lines.
ProtectSystem=yes
ProtectHome=read-only
${HARDENING}

[Install]
WantedBy=multi-user.target
`;
}

function registryUnit(command: string): string {
  return `[Unit]
Description=Peerage registry
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
# systemd-notify is a process of its own.
NotifyAccess=all
# PEERAGE_REGISTRY_OPTIONS="--public-url https://vpn.example.net", for example.
EnvironmentFile=-/etc/default/peerage-registry
ExecStart=${command} registry serve --db %S/peerage-registry/registry.db $PEERAGE_REGISTRY_OPTIONS
Restart=on-failure
RestartSec=5s
# Requests under way are answered first.
KillMode=mixed
TimeoutStopSec=20s
# The first start prints the admin key, which must not be in the journal. systemd opens the file as root, mode 0600.
StandardOutput=append:/var/lib/peerage-registry-admin-key

DynamicUser=yes
StateDirectory=peerage-registry
StateDirectoryMode=0700

CapabilityBoundingSet=
PrivateDevices=yes
PrivateUsers=yes
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
${HARDENING}
# After the list of what is allowed, from which it takes away.
SystemCallFilter=~@privileged

[Install]
WantedBy=multi-user.target
`;
}

/** One word of a command line: `%` starts a specifier there and `$` a variable. */
function quote(word: string): string {
  const literal = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%$+=:,./-]+$/.test(literal) ? literal : `"${literal.replaceAll(/["\\]/g, '\\$&')}"`;
}
