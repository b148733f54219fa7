/**
 * The first process of a namespace, in POSIX sh. It prints its process id as this machine counts, gives the namespace
 * private folders, and then is cat(1): it ends when its standard input does. The lab holds the other end of that pipe,
 * so that whatever ends the lab, SIGKILL included, ends every namespace, and the kernel ends all that ran in there.
 */

/** /proc is still the machine's when this runs. */
const TELL_PID = 'read -r pid _ </proc/self/stat';

/** An ignored SIGCHLD is inherited through exec: orphans that end up with this init leave no zombies. */
const LIVE_AS_LONG_AS_STDIN = `trap '' CHLD; echo "$pid"; exec cat >/dev/null`;

const NO_DUPLICATE_ADDRESS_DETECTION = 'sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0';

/** The outermost namespace: it holds the switches. */
export const LAB_INIT = `set -e
${TELL_PID}
ip link set lo up
${LIVE_AS_LONG_AS_STDIN}`;

/**
 * A host: its own /run, /var/lib and copy of /etc, so that nothing it writes lands on the machine. $1 is its name,
 * $2 the checkout, which stays visible wherever it is, and $3 the Node that runs it: some programs put folders of their own
 * before the PATH, in which there may be another.
 */
export const HOST_INIT = String.raw`set -e
${TELL_PID}
hostname "$1"
mount -t tmpfs tmpfs /run
mkdir /run/etc /run/bin /run/home /run/tmp /run/checkout
mount --rbind "$2" /run/checkout
mount -t tmpfs tmpfs /var/lib
mkdir -p "$2"
mount --move /run/checkout "$2"
rmdir /run/checkout
cp -a /etc/. /run/etc 2>/dev/null || true
mount --bind /run/etc /etc
rm -rf /etc/wireguard
mkdir -m 700 /etc/wireguard
printf '#!/bin/sh\nexec "%s" "%s/runtime/node/main.ts" "$@"\n' "$3" "$2" >/run/bin/peerage
printf '#!/bin/sh\nexec "%s" "%s/runtime/node/peerage-tun.ts" "$@"\n' "$3" "$2" >/run/bin/peerage-tun
chmod +x /run/bin/*
mount -t proc proc /proc
mount -t sysfs sysfs /sys
${NO_DUPLICATE_ADDRESS_DETECTION}
ip link set lo up
${LIVE_AS_LONG_AS_STDIN}`;
