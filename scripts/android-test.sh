#!/usr/bin/env bash
# The app's tests in two processes, one a core: JUnit and Robolectric by Maven, whole builds by pytest.
# usage: scripts/android-test.sh PYTHON LIFECYCLES [FOLDER-OF-PHOTOGRAPHS]
set -uo pipefail
cd "$(dirname "$0")/../android_demo" || exit
photographs=${3:+-Dpictures=$(realpath "$3")}
rm -rf target/surefire-reports build/app-result.json
mvn -B -ntp test -Dtimes="$2" ${photographs:+"$photographs"} >build/test.log 2>&1 &
maven=$!
trap 'kill "$maven" 2>/dev/null' EXIT
shared=tests/android/test_measure.py  # reads the result that a test of the screens has shared
(cd .. && "$1" -m pytest --durations=5 -m slow tests/android --ignore "$shared")
builds=$?
wait "$maven"
screens=$?
[ "$screens" -ne 0 ] || (cd .. && "$1" -m pytest -q -m slow "$shared") || builds=$?
[ "$screens" -eq 0 ] || grep -vE 'tflite|VERBOSE' build/test.log | tail -60
grep -hE '^Tests run' target/surefire-reports/*.txt
exit $((builds ? builds : screens))
