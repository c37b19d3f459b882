#!/bin/sh
# After an installation or an upgrade. dpkg calls it with "configure" and the former
# version, rpm with the number of versions that are there now. DPKG_ROOT is set where
# the machine is being made in a folder of another one.
set -e

if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers ${DPKG_ROOT:+--root="$DPKG_ROOT"} pushboat.conf
elif ! getent passwd pushboat >/dev/null; then
	useradd --system ${DPKG_ROOT:+--root "$DPKG_ROOT"} --home-dir /var/lib/pushboat --shell /usr/sbin/nologin pushboat
fi

if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart pushboat.service # if it runs
fi

if [ "$1" = configure ] && [ -z "$2" ] || [ "$1" = 1 ]; then
	cat <<'END'
Pushboat is installed. Before it starts, it needs to know who may come in, and
its cluster:

    echo 'role="admin" '"$(cat ~/.ssh/id_ed25519.pub)" >>/etc/pushboat/keys
    install -o pushboat -g pushboat -m 0400 KUBECONFIG /etc/pushboat/kubeconfig
    pushboat config check /etc/pushboat/pushboat.yaml
    systemctl enable --now pushboat
END
fi
