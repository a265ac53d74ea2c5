#!/bin/sh
# dpkg says remove, rpm says how many versions stay installed; an upgrade stops nothing.
set -e
if [ -d /run/systemd/system ] && { [ "$1" = remove ] || [ "$1" = 0 ]; }; then
  systemctl disable --now @UNIT@
fi
