# The Android parts: the app, the delegate as AAR, and their tests. Needs a JDK, Maven and Debian's
# Android tools; no TensorFlow, no SDK, no NDK.
ANDROID_BUILD := python3 android_demo/tools/build.py
ANDROID_PACKAGES := openjdk-17-jdk-headless maven aapt apksigner zipalign dexdump g++ g++-aarch64-linux-gnu qemu-user-static
# How often the app is paused, rotated and left; 1,000 of each takes many minutes (make test-all).
LIFECYCLES ?= 60
# A folder with JPEG files that stand where the camera's picture is in build/screens.
PICTURES ?=
APK ?= android_demo/build/xncaps-demo.apk

RUN ?= demo_out/xnodr

.PHONY: apk aar android-model android-test

.make/android: scripts/apt.sh android_demo/android.mk
	@scripts/apt.sh "the Android build" $(ANDROID_PACKAGES)
	@mkdir -p $(dir $@) && touch $@

apk: .make/android ## the Android app, signed; MODEL=FILE packs another model, RUNTIME=FILE.aar another runtime, LABEL=NAME names it
	@$(ANDROID_BUILD) apk $(if $(MODEL),--model "$(MODEL)") $(if $(RUNTIME),--runtime "$(RUNTIME)") $(if $(LABEL),--label "$(LABEL)") $(if $(KEYSTORE),--keystore "$(KEYSTORE)") -o "$(APK)"

aar: .make/android ## the delegate for Gradle users: AAR and POM in dist/
	@$(ANDROID_BUILD) aar

android-model: $(SETUP) ## the app's own model anew, from a run of make demo (RUN=demo_out/xnodr)
	@$(PY) android_demo/tools/make_model.py "$(RUN)"

android-test: $(SETUP) .make/android ## the app's tests: JUnit and Robolectric with Android's own TensorFlow Lite; PICTURES=FOLDER puts photographs on the screens
	@$(ANDROID_BUILD) test-resources
	@scripts/android-test.sh "$(abspath $(PY))" $(LIFECYCLES) "$(if $(PICTURES),$(abspath $(PICTURES)))"

# For a connected phone or emulator, and for a machine with Gradle and the SDK; no test covers them.
.PHONY: phone-check gradle-assemble
phone-check: $(SETUP) ## installs and starts APK on the phone at adb, opens its camera, measures a file of the zoo there: OUT=FILE
	@$(VENV)/bin/xncaps android run "$(APK)"
	@scripts/phone_camera.sh "$(OUT:.json=)-camera.png"
	@$(VENV)/bin/xncaps bench zoo:mnist-cnn-xnodr --target adb -o "$(OUT)"

gradle-assemble: ## the app by Gradle and the Android SDK
	@command -v gradle > /dev/null || { echo "gradle-assemble: expected Gradle 8.9 or newer. Received: no command gradle." >&2; exit 1; }
	@[ -d "$${ANDROID_HOME:-$${ANDROID_SDK_ROOT:-}}" ] || { echo "gradle-assemble: expected the Android SDK. Received: ANDROID_HOME='$${ANDROID_HOME:-}'." >&2; exit 1; }
	@cd android_demo && gradle assemble
