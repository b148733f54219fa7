/**
 * The script behind `curl -fsS URL/TOKEN | sh`: POSIX sh, for dash and busybox ash alike.
 *
 * The same for every token. It is one function, called in its last line, so that half a download does nothing; the private
 * key is made on the host and stays there; secrets go to curl through its standard input, never through its arguments.
 */

const REGISTRY_URL = /^https?:\/\/[A-Za-z0-9.:[\]/_~-]+$/;
const TOKEN = /^pgt_[A-Za-z0-9_-]{43}$/;

/** Throws RangeError for what could end a quoted string of the script: callers have checked both. */
export function renderJoinScript({ registryUrl, token }: { registryUrl: string; token: string }): string {
  if (!REGISTRY_URL.test(registryUrl)) throw new RangeError('"registryUrl" expected a URL without special characters');
  if (!TOKEN.test(token)) throw new RangeError('"token" expected an enrolment token');
  return SCRIPT.replace('@REGISTRY@', registryUrl).replace('@TOKEN@', token);
}

const SCRIPT = `#!/bin/sh
# Joins this host to a WireGuard VPN. What it does it says before it does it.
#
# Settings, all optional, in the environment:
#   PEERAGE_NAME         name of this host in the VPN          (its host name)
#   PEERAGE_INTERFACE    name of the interface                 (wg0)
#   PEERAGE_ENDPOINT     HOST:PORT that others reach it by     (none: its address is dynamic)
#   PEERAGE_LISTEN_PORT  UDP port                              (the network's)
#   PEERAGE_ROUTES       subnets behind it, with commas        (none)
#   PEERAGE_EXIT         host that its default route goes by   (none)
#   PEERAGE_DIR          folder of the configuration           (/etc/wireguard)
#   PEERAGE_UP           "no": write the configuration only    (yes)
set -eu

say() { printf '%s\\n' "$*" >&2; }
fail() { say "join: $*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

join() {
  registry='@REGISTRY@'
  token='@TOKEN@'
  interface=$\{PEERAGE_INTERFACE:-wg0}
  folder=$\{PEERAGE_DIR:-/etc/wireguard}
  name=$\{PEERAGE_NAME:-$(uname -n | tr '[:upper:]' '[:lower:]')}
  [ -n "$\{PEERAGE_NAME:-}" ] || name=$\{name%%.*}
  config=$folder/$interface.conf
  key=$folder/$interface.key

  case $interface in
    '' | *[!A-Za-z0-9_.-]* | ????????????????*) fail "PEERAGE_INTERFACE=$interface is no name of an interface." ;;
  esac
  case $folder in
    /*[!A-Za-z0-9/_.-]* | [!/]*) fail "PEERAGE_DIR=$folder: give an absolute path of letters, digits and / _ . -" ;;
  esac
  [ "$(id -u)" = 0 ] || fail 'this needs root. Run it as: curl -fsS URL/TOKEN | sudo sh'
  if has peerage && [ "$folder:$\{PEERAGE_UP:-yes}" = /etc/wireguard:yes ]; then
    join_with_peerage
    return
  fi
  if [ -e "$config" ]; then
    grep -qxF "# Registry = $registry" "$config" ||
      fail "$config is there already and belongs to something else. Choose another interface: PEERAGE_INTERFACE=wg1"
    say "This host has joined already: $config is there. Nothing was changed."
    say "To join anew, leave first (the second line asks the registry to forget this host), then take a new token:"
    say "  $(down)"
    say "  printf 'header = \\"Authorization: Bearer %s\\"\\\\n' \\"\\$(cat $folder/$interface.hostkey)\\" | curl -fsS --config - -X DELETE $registry/v1/self"
    say "  rm $config $key $folder/$interface.hostkey $folder/$interface.refresh"
    return 0
  fi
  for program in curl wg ip; do
    [ "$program:$\{PEERAGE_UP:-yes}" = ip:no ] || has "$program" || fail "$program is missing. Install it: $(packages)"
  done
  if [ -n "$\{PEERAGE_EXIT:-}" ] && [ "$\{PEERAGE_UP:-yes}" != no ]; then
    has wg-quick || fail 'the default route through another host (PEERAGE_EXIT) needs wg-quick, which is missing.'
  fi

  say "This host joins the VPN of $registry as $name:"
  [ -e "$key" ] && say "  use the private key in $key; it does not leave this host" ||
    say "  make a private key in $key; it does not leave this host"
  say "  enrol its public key$\{PEERAGE_ENDPOINT:+, reachable at $PEERAGE_ENDPOINT}$\{PEERAGE_ROUTES:+, with $PEERAGE_ROUTES behind it}"
  say "  write $config, and $folder/$interface.refresh to fetch changes of the peers"
  [ "$\{PEERAGE_UP:-yes}" = no ] || say "  bring up $interface with: $(up)"

  umask 077
  mkdir -p "$folder"
  had_key=$([ ! -e "$key" ] || echo yes)
  [ -e "$key" ] || wg genkey >"$key.new"
  [ -e "$key" ] || mv "$key.new" "$key"
  enrol
  say "Enrolled: $(sed -n '1s/^# //p' "$config")"
  write_refresh
  if [ "$\{PEERAGE_UP:-yes}" != no ]; then
    $(up) >&2 </dev/null || fail "$config is written, but $interface could not be brought up: see above. Try again with: $(up)"
    say "$interface is up. See it with: wg show $interface"
    has wg-quick || say "After a reboot, bring it up again with: $(up)"
  fi
  say "Peers come and go. Fetch the changes, best from cron every few minutes: $folder/$interface.refresh"
}

# wg-quick wants bash, which small systems do without. It finds an interface by its name in /etc/wireguard only.
up() {
  if ! has wg-quick; then echo "$folder/$interface.refresh up"
  elif [ "$folder" = /etc/wireguard ]; then echo "wg-quick up $interface"
  else echo "wg-quick up $config"; fi
}
down() { if has wg-quick; then echo "wg-quick down $interface"; else echo "ip link delete dev $interface"; fi; }

# How to install what is needed here.
packages() {
  if has apt; then echo 'apt install curl wireguard-tools iproute2'
  elif has opkg; then echo 'opkg update && opkg install curl kmod-wireguard wireguard-tools'
  elif has apk; then echo 'apk add curl wireguard-tools'
  elif has dnf; then echo 'dnf install curl wireguard-tools iproute'
  else echo 'curl, wireguard-tools and iproute2, or what your system calls them.'; fi
}

# peerage says itself what it does, and keeps the peers current from then on. The token is not for its arguments either.
join_with_peerage() {
  say "This host joins the VPN of $registry by: peerage join"
  set -- "$registry" --interface "$interface"
  [ -z "$\{PEERAGE_NAME:-}" ] || set -- "$@" --name "$PEERAGE_NAME"
  [ -z "$\{PEERAGE_ENDPOINT:-}" ] || set -- "$@" --endpoint "$PEERAGE_ENDPOINT"
  [ -z "$\{PEERAGE_LISTEN_PORT:-}" ] || set -- "$@" --listen-port "$PEERAGE_LISTEN_PORT"
  [ -z "$\{PEERAGE_ROUTES:-}" ] || set -- "$@" --routes "$PEERAGE_ROUTES"
  [ -z "$\{PEERAGE_EXIT:-}" ] || set -- "$@" --exit "$PEERAGE_EXIT"
  PEERAGE_TOKEN=$token peerage join "$@" </dev/null
}

# Writes the configuration and, apart from it, the key that this host reads its peers with.
enrol() {
  answer=$(mktemp)
  trap 'rm -f "$answer"' EXIT
  set -- --data-urlencode "name=$name" --data-urlencode "publicKey=$(wg pubkey <"$key")"
  [ -z "$\{PEERAGE_ENDPOINT:-}" ] || set -- "$@" --data-urlencode "endpoint=$PEERAGE_ENDPOINT"
  [ -z "$\{PEERAGE_LISTEN_PORT:-}" ] || set -- "$@" --data-urlencode "listenPort=$PEERAGE_LISTEN_PORT"
  [ -z "$\{PEERAGE_ROUTES:-}" ] || set -- "$@" --data-urlencode "routes=$PEERAGE_ROUTES"
  [ -z "$\{PEERAGE_EXIT:-}" ] || set -- "$@" --data-urlencode "exit=$PEERAGE_EXIT"
  status=$(printf 'header = "Authorization: Bearer %s"\\n' "$token" |
    curl -sS --config - --output "$answer" --write-out '%{http_code}' "$@" "$registry/v1/enroll") ||
    fail "the registry cannot be reached. Nothing was changed but $key."
  if [ "$status" != 201 ]; then
    say "join: the registry refused ($status): $(sed -n 's/.*"detail":"\\([^"]*\\).*/\\1/p' "$answer")"
    case $status in 401 | 409) ;; *) exit 1 ;; esac # nothing that an earlier try could have done
    [ -z "$had_key" ] || say "If an earlier try got no answer, this host may be in already: have $name removed (peerage rm $name), and take a new token."
    exit 1
  fi
  sed -n 's/^# HostKey = //p' "$answer" >"$folder/$interface.hostkey"
  sed -e '/^# HostKey = /d' -e "s|/etc/wireguard/%i|$folder/%i|" "$answer" >"$config.new"
  mv "$config.new" "$config"
}

# The list is fetched as a whole before any of it is used: a registry that is down changes nothing.
write_refresh() {
  cat >"$folder/$interface.refresh" <<END
#!/bin/sh
# Brings the peers of $interface up to date with $registry. With the argument "up" it brings up $interface itself, as
# $config says: for hosts without wg-quick. Down again: ip link delete dev $interface
set -eu
umask 077
new=\\$(mktemp)
trap 'rm -f "\\$new" "\\$new.live"' EXIT

fetch() {
  {
    printf '[Interface]\\nPrivateKey = '
    cat '$key'
    # wg syncconf would take away the mark that a default route needs.
    printf 'FwMark = %s\\n' "\\$(wg show '$interface' fwmark)"
  } >"\\$new"
  printf 'header = "Authorization: Bearer %s"\\n' "\\$(cat '$folder/$interface.hostkey')" |
    curl -fsS --config - '$registry/v1/config?format=wg' >>"\\$new"
  # A peer that was heard of lately is where it was heard: what others saw of it may be older, or its NAT's way to them alone.
  now=\\$(date +%s)
  stay=\\$(wg show '$interface' latest-handshakes | while read -r peer at; do
    [ "\\$\{at:-0}" -lt "\\$((now - 180))" ] || printf '\\\\\\\\|^PublicKey = %s\\$|,/^\\$/{/^Endpoint = /d;}\\n' "\\$peer"
  done)
  sed "\\$stay" "\\$new" >"\\$new.live"
  wg syncconf '$interface' "\\$new.live"
}

bring_up() {
  if [ -e '/sys/class/net/$interface' ]; then echo '$interface is up already.' >&2; exit 1; fi
  grep -vE '^(Address|PostUp) = ' '$config' >"\\$new"
  make_interface
  trap 'rm -f "\\$new"; ip link delete dev "$interface"' EXIT
  wg setconf '$interface' "\\$new"
  wg set '$interface' private-key '$key'
  for address in \\$(sed -n 's/^Address = //p' '$config' | tr -d ,); do
    ip address add "\\$address" dev '$interface'
  done
  ip link set dev '$interface' up
}

make_interface() {
  if ip link add dev '$interface' type wireguard; then return; fi
  for program in wireguard-go peerage-tun; do
    if command -v "\\$program" >/dev/null; then "\\$program" '$interface'; return; fi
  done
  echo 'The kernel has no WireGuard, and there is no wireguard-go. Install one of them (OpenWrt: kmod-wireguard).' >&2
  exit 1
}

if [ "\\$\{1:-}" = up ]; then bring_up; else fetch; fi
for prefix in \\$(sed -n 's/^AllowedIPs = //p' "\\$new" | tr -d ,); do
  # A default route takes more than a line: wg-quick sets it, when the interface comes up. An exit needs wg-quick.
  case \\$prefix in */0) continue ;; *:*) family=-6 ;; *) family=-4 ;; esac
  [ -n "\\$(ip \\$family route show dev '$interface' match "\\$prefix")" ] ||
    ip \\$family route add "\\$prefix" dev '$interface'
done
trap 'rm -f "\\$new" "\\$new.live"' EXIT
END
  chmod 700 "$folder/$interface.refresh"
}

join
`;
