#!/usr/bin/env bash
# Opens the installed app's camera screen on the phone at adb and waits for the camera to be the app's.
# usage: scripts/phone_camera.sh SCREENSHOT.png [SECONDS]
set -euo pipefail
out=$1 seconds=${2:-30}
package=org.xncaps.demo

adb shell pm grant "$package" android.permission.CAMERA
adb logcat -c
# From the start anew: a screen that asked for the permission before it was given has no camera.
adb shell am start -S -W -n "$package/.camera.CameraActivity" > /dev/null
opened=
for ((waited = 0; waited < seconds; waited++)); do
  # The camera service's log, newest first: what it said last of this app.
  last=$(adb shell dumpsys media.camera | grep -E "(DIS)?CONNECT device [^ ]+ client for package $package" | head -1) || true
  if [[ "$last" == *" CONNECT device "* || "$last" == CONNECT* ]]; then opened=1; break; fi
  sleep 1
done
said=$(adb logcat -d -s xncaps:W '*:S' | grep -E ' xncaps *: ' | tail -1) || true
if [ -z "$opened" ]; then
  echo "phone-check: expected the camera to be open for $package within $seconds s. Received: ${said:-no word of the app}" >&2
  exit 1
fi
sleep 3  # frames, and an answer to them
if ! adb shell pidof "$package" > /dev/null; then
  echo "phone-check: expected $package to run with its camera open. Received: no such process" >&2
  exit 1
fi
adb exec-out screencap -p > "$out"
echo "phone-check: camera open, $out"
