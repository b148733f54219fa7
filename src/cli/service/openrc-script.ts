/**
 * The scripts for OpenRC, openrc-run(8). A script named peerage.wg0 (a link to `peerage`) runs the interface wg0, as OpenRC's own
 * net.eth0 does.
 *
 * An interface is started by `peerage up`, whose return is the readiness that OpenRC waits for. The registry is supervised.
 */
import type { Self, ServiceFile, ServiceKind } from './service-file.ts';

export function openrcScript(kind: ServiceKind, self: Self): ServiceFile {
  return kind === 'interface'
    ? { name: 'peerage', text: interfaceScript(self.map(quote).join(' ')), mode: 0o755 }
    : { name: 'peerage-registry', text: registryScript(self), mode: 0o755 };
}

function interfaceScript(command: string): string {
  return `#!/sbin/openrc-run
# An interface of Peerage: a link peerage.wg0 to this file runs wg0. /etc/conf.d/peerage may set peerage_up_options.

interface="\${RC_SVCNAME#peerage.}"
description="Peerage WireGuard interface"
extra_started_commands="reload"
description_reload="Heed a changed configuration without disturbing the peers that stay"

depend() {
	need localmount
	use net dns logger firewall
	after net
}

start() {
	ebegin "Bringing up $interface"
	if [ "$interface" = "$RC_SVCNAME" ]; then
		eend 1 "Make a link for each interface: ln -s peerage /etc/init.d/peerage.wg0"
		return 1
	fi
	# shellcheck disable=SC2086 -- several options are several words
	${command} up $peerage_up_options "$interface"
	eend $? "$interface is not up"
}

stop() {
	ebegin "Taking down $interface"
	${command} down "$interface"
	eend $? "$interface could not be taken down"
}

reload() {
	ebegin "Reading the configuration of $interface again"
	${command} service reload "$interface"
	eend $? "$interface goes on as it was"
}
`;
}

function registryScript([program, ...args]: Self): string {
  const words = [...args.map(quote), 'registry serve --db /var/lib/peerage-registry/registry.db'].join(' ');
  return `#!/sbin/openrc-run
# The registry of Peerage. /etc/conf.d/peerage-registry may set peerage_registry_options, for example
#   peerage_registry_options="--public-url https://vpn.example.net"

name="Peerage registry"
supervisor="supervise-daemon"
command=${quote(program)}
command_args=${quote(words)}" $peerage_registry_options"
command_user="peerage-registry"
# The first start prints the admin key: the folder is for its owner only.
output_log="/var/lib/peerage-registry/admin-key"
error_log="/var/log/peerage-registry.log"
respawn_delay=5
retry="SIGTERM/20/SIGKILL/5"

depend() {
	need localmount
	use net dns logger
}

start_pre() {
	if ! getent passwd "$command_user" >/dev/null; then
		useradd --system --no-create-home --shell /bin/false "$command_user" 2>/dev/null ||
			adduser -S -D -H -s /bin/false "$command_user"
	fi
	checkpath --directory --owner "$command_user" --mode 0700 /var/lib/peerage-registry
	checkpath --file --owner "$command_user" --mode 0600 "$output_log" "$error_log"
}
`;
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
