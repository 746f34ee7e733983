# The native runtime's targets; included by the Makefile at the root.
NATIVE := native/build
AARS := 2.14.0 2.16.1
AAR_HEADERS := $(foreach version,$(AARS),$(CURDIR)/$(NATIVE)/aar/$(version)/headers)
empty :=
space := $(empty) $(empty)
NATIVE_CMAKE = cmake -S native -G Ninja -Wno-dev

.PHONY: native-tools native-arm-tools native-build native-test native-asan native-tsan native-fuzz-build native-fuzz native-slow native-arm native-arm-python bench-native arm-count board-result fuzz wheels

native-tools:
	@scripts/apt.sh "the native runtime's tests" g++ cmake ninja-build libgtest-dev libbenchmark-dev maven unzip binutils

native-arm-tools: native-tools
	@scripts/apt.sh "aarch64 on another machine" qemu-user-static g++-aarch64-linux-gnu

native-build: native-tools ## the delegate, its tests and benchmarks in native/build/native
	@native/aar_headers.sh $(NATIVE)/aar $(AARS)
	@$(NATIVE_CMAKE) -B $(NATIVE)/native -DXNCAPS_WERROR=ON -DXNCAPS_BUILD_TESTS=ON -DXNCAPS_BUILD_BENCH=ON \
	  -DXNCAPS_AAR_HEADERS="$(subst $(space),;,$(strip $(AAR_HEADERS)))" > $(NATIVE)/native.log
	@ninja -C $(NATIVE)/native --quiet

native-test: native-build native-asan native-tsan native-fuzz native-arm native-arm-python ## ctest, sanitizers, a minute of fuzzing, aarch64
	@ctest --test-dir $(NATIVE)/native --output-on-failure

native-asan: native-tools
	@$(NATIVE_CMAKE) -B $(NATIVE)/asan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DXNCAPS_SANITIZE=address,undefined \
	  -DXNCAPS_BUILD_TESTS=ON -DXNCAPS_BUILD_FUZZ=ON > /dev/null
	@ninja -C $(NATIVE)/asan --quiet
	@ctest --test-dir $(NATIVE)/asan --output-on-failure

native-tsan: native-tools
	@$(NATIVE_CMAKE) -B $(NATIVE)/tsan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DXNCAPS_SANITIZE=thread \
	  -DXNCAPS_BUILD_TESTS=ON > /dev/null
	@ninja -C $(NATIVE)/tsan --quiet caps_test lce_test lce_limits_test lce_tail_test delegate_test thread_pool_test
	@ctest --test-dir $(NATIVE)/tsan --output-on-failure -R '^(caps|lce|lce_limits|lce_tail|delegate|thread_pool)_test'

FUZZ_SECONDS ?= 30
native-fuzz-build: native-tools
	@scripts/apt.sh "the fuzzer" clang libclang-rt-dev
	@$(NATIVE_CMAKE) -B $(NATIVE)/fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
	  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DXNCAPS_SANITIZE=address,undefined -DXNCAPS_BUILD_FUZZ=ON -DXNCAPS_LIBFUZZER=ON > /dev/null
	@ninja -C $(NATIVE)/fuzz --quiet

native-fuzz: native-fuzz-build $(SETUP) ## a minute of made-up graphs: on the stand-in guided by coverage, in the interpreter
	@native/fuzz/run.sh $(NATIVE)/fuzz/fuzz/fuzz_delegate -max_total_time=$(FUZZ_SECONDS)
	@$(PY) native/fuzz/fuzz_interpreter.py --seconds $(FUZZ_SECONDS)

native-arm: native-arm-tools
	@$(NATIVE_CMAKE) -B $(NATIVE)/arm -DCMAKE_TOOLCHAIN_FILE=$(CURDIR)/native/toolchains/aarch64-linux-gnu.cmake \
	  -DXNCAPS_WERROR=ON -DXNCAPS_BUILD_TESTS=ON -DXNCAPS_GTEST_SOURCE=/usr/src/googletest > /dev/null
	@ninja -C $(NATIVE)/arm --quiet
	@ctest --test-dir $(NATIVE)/arm --output-on-failure

native-arm-python: native-arm-tools wheels ## pytest of the ops with the aarch64 wheel under qemu
	@native/arm_sysroot.sh $(NATIVE)/sysroot
	@native/arm_pytest.sh $(CURDIR)/$(PY) dist $(NATIVE)/sysroot

# Part of `make test-all`.
native-slow: native-build ## the exponential at each of its 1.1e9 floats
	@XNCAPS_EXP_STEP=1 $(NATIVE)/native/test/exp_test
test-all: native-slow

FUZZ_RUNS ?= 1000000
FUZZ_FILES ?= 20000
fuzz: native-fuzz-build $(SETUP) ## FUZZ_RUNS made-up graphs under sanitizers (1,000,000), FUZZ_FILES files in the interpreter (20,000)
	@native/fuzz/run.sh $(NATIVE)/fuzz/fuzz/fuzz_delegate -runs=$(FUZZ_RUNS)
	@$(PY) native/fuzz/fuzz_interpreter.py $(FUZZ_FILES)

bench-native: $(SETUP) ## the native runtime against LiteRT, each row of the table
	@$(PY) native/bench/bench_native.py
	@$(PY) native/bench/bench_lce.py
	@$(PY) native/bench/bench_threads.py
	@$(PY) native/bench/bench_compiled.py

arm-count: $(SETUP) ## instructions of the inner loops on aarch64, ours and LCE's
	@scripts/apt.sh "counting instructions" g++-aarch64-linux-gnu llvm-19
	@$(PY) native/bench/arm_count.py --write docs/native.md

OUT ?= board-result.json

board-result: ## measures this machine, without TensorFlow, for results/boards: OUT=FILE
	@scripts/board_result.sh "$(OUT)"

wheels: $(SETUP) native-tools ## dist/xncaps_runtime-*-manylinux_2_28_{x86_64,aarch64}.whl
	@native/wheels.sh $(CURDIR)/$(PY) $(CURDIR)/dist
