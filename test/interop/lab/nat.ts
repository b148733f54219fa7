/**
 * Routers, as homes and offices have them: what is inside gets out under the router's own address, and from outside
 * only answers come in.
 */
import type { Host } from './host.ts';

export interface NatOptions {
  /** Interface towards the internet. */
  outside: string;
  inside: string;
  /** Seconds after which the router forgets an idle UDP flow, one-way or established. The kernel's own: 30 and 120. */
  udpTimeout?: number;
}

/** Makes a host with two interfaces a router that masquerades, for IPv4 and IPv6. */
export async function enableNat(router: Host, options: NatOptions): Promise<void> {
  await router.output('nft', ['-f', '-'], {
    input: `
      table inet nat {
        # Dropped, an unasked packet leaves no entry behind. Refused, it would hold the mapping that the inside is about to
        # need, and two hosts behind such routers could never meet.
        chain input {
          type filter hook input priority filter; policy accept;
          iifname "${options.outside}" meta l4proto { tcp, udp } ct state new drop
        }
        chain forward {
          type filter hook forward priority filter; policy drop;
          iifname "${options.inside}" accept
          ct state established,related accept
        }
        chain postrouting {
          type nat hook postrouting priority srcnat;
          oifname "${options.outside}" masquerade
        }
      }`,
  });
  await enableForwarding(router);
  if (options.udpTimeout === undefined) return;
  const seconds = options.udpTimeout;
  await router.output('sysctl', [
    '-qw',
    `net.netfilter.nf_conntrack_udp_timeout=${seconds}`,
    `net.netfilter.nf_conntrack_udp_timeout_stream=${seconds}`,
  ]);
}

/** Lets a host pass on packets that are not for itself. */
export async function enableForwarding(host: Host): Promise<void> {
  await host.output('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
}
