#!/usr/bin/env bash
# A Debian arm64 root with Python 3.11, numpy, Pillow and ai-edge-litert for qemu-user; nothing foreign is
# installed on this machine. Makes DIR/pyarm, a Python that runs there. usage: native/arm_sysroot.sh DIR
set -euo pipefail
mkdir -p "$1"
dir=$(cd "$1" && pwd)
[ -x "$dir/pyarm" ] && exit 0
cd "$dir"
mkdir -p apt/lists/partial apt/cache/archives/partial debs root/proc site wheels
touch apt/status
cat > apt/apt.conf <<C
Dir::State "$dir/apt"; Dir::State::lists "$dir/apt/lists"; Dir::State::status "$dir/apt/status";
Dir::Cache "$dir/apt/cache"; Dir::Etc::sourcelist "/etc/apt/sources.list"; Dir::Etc::sourceparts "/etc/apt/sources.list.d";
APT::Architecture "arm64"; APT::Architectures { "arm64"; }; APT::Sandbox::User "root";
C
export APT_CONFIG=$dir/apt/apt.conf
apt-get -qq update
(cd debs && apt-get -qq download libc6 python3.11-minimal libpython3.11-minimal libpython3.11-stdlib zlib1g \
  libexpat1 libstdc++6 libgcc-s1 libffi8 libssl3 libbz2-1.0 liblzma5)
unset APT_CONFIG
for deb in debs/*.deb; do dpkg -x "$deb" root; done
fetch() { python3 -m pip download -q --python-version 3.11 --implementation cp --only-binary=:all: --no-deps -d wheels "$@"; }
fetch --platform manylinux_2_27_aarch64 ai-edge-litert==2.3.0
fetch --platform manylinux2014_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64 \
  numpy==1.26.4 pillow==12.0.0 || fetch --platform manylinux2014_aarch64 numpy==1.26.4
fetch --platform any flatbuffers==25.12.19 || true
for wheel in wheels/*.whl; do unzip -qo "$wheel" -d site; done
# cpuinfo crashes on the host's x86 /proc/cpuinfo; qemu -L redirects the path to this one.
for cpu in 0 1; do
  printf 'processor\t: %d\nBogoMIPS\t: 38.40\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\nCPU part\t: 0xd05\nCPU revision\t: 0\n\n' $cpu
done > root/proc/cpuinfo
cat > pyarm <<P
#!/bin/bash
exec env PYTHONHOME=$dir/root/usr PYTHONPATH=\${ARM_SITE:+\$ARM_SITE:}$dir/site qemu-aarch64-static -L $dir/root $dir/root/usr/bin/python3.11 "\$@"
P
chmod +x pyarm
