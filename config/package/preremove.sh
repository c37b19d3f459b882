#!/bin/sh
# Before a removal; not before an upgrade, of which dpkg says "upgrade" and rpm 1.
set -e

if [ "$1" = remove ] || [ "$1" = 0 ]; then
	if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then
		systemctl disable --now pushboat.service
	fi
	echo 'Pushboat is stopped. What it has deployed goes on running, and its data stay in /var/lib/pushboat.'
fi
