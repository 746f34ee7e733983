#!/usr/bin/env bash
# Installs the Debian packages named, where it may; else says what to install.
# XNCAPS_NO_APT=1: what is needed is there by another way (Homebrew's, a distribution's own).
# usage: scripts/apt.sh PURPOSE PACKAGE...
set -euo pipefail
[ -z "${XNCAPS_NO_APT:-}" ] || exit 0
purpose=$1; shift
missing=()
for package in "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null; then
  echo "setup: $purpose: expected Debian's packages ${missing[*]}; install what your system calls them, then set XNCAPS_NO_APT=1" >&2
  exit 1
fi
run=()
if [ "$(id -u)" != 0 ]; then
  if ! sudo -n true 2>/dev/null; then
    echo "setup: $purpose needs: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
  run=(sudo)
fi
echo "setup: $purpose: apt-get install ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${run[@]}" apt-get -qq update
"${run[@]}" apt-get -qq -y install --no-install-recommends "${missing[@]}" >/dev/null
