#include "kernels/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace xncaps {

#define XNCAPS_ISA(name, has, caps, lce) \
  extern const CapsKernels caps;         \
  extern const LceKernels lce;
#include "kernels/kernels.inc"
#undef XNCAPS_ISA

namespace {

#if defined(__x86_64__)
// Whether the system saves these registers, as bits of XCR0: 6 vectors, 0xe0 AVX-512's.
bool Saves(unsigned registers) {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & registers) == registers;
}

// Everything that the flags of kernels/CMakeLists.txt let the compiler use: virtual machines hide
// single ones. By hand: __builtin_cpu_supports needs libgcc's constructor, which Android's build
// does not have.
bool HasAvx2() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
  constexpr unsigned kFma = 1u << 12, kPopcnt = 1u << 23, kOsxsave = 1u << 27, kAvx = 1u << 28,
                     kF16c = 1u << 29;
  constexpr unsigned kNeeded = kFma | kPopcnt | kOsxsave | kAvx | kF16c;
  if ((c & kNeeded) != kNeeded) return false;
  if (!Saves(6)) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  constexpr unsigned kBmi1 = 1u << 3, kAvx2 = 1u << 5, kBmi2 = 1u << 8;
  constexpr unsigned kExtended = kBmi1 | kAvx2 | kBmi2;
  return (b & kExtended) == kExtended;
}

bool HasAvx512() {
  unsigned a, b, c, d;
  if (!HasAvx2() || !Saves(0xe6) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  constexpr unsigned kFoundation = 1u << 16, kDq = 1u << 17, kBw = 1u << 30, kVl = 1u << 31;
  constexpr unsigned kNeeded = kFoundation | kDq | kBw | kVl, kVpopcntdq = 1u << 14;
  return (b & kNeeded) == kNeeded && (c & kVpopcntdq) != 0;
}
#endif

#define XNCAPS_ISA(name, has, caps, lce) \
  bool Available_##name() { return has; }
#include "kernels/kernels.inc"
#undef XNCAPS_ISA

const Isa kIsas[] = {
#define XNCAPS_ISA(name, has, caps, lce) {#name, Available_##name, &caps, &lce},
#include "kernels/kernels.inc"
#undef XNCAPS_ISA
};
constexpr int kIsaCount = sizeof kIsas / sizeof kIsas[0];

}  // namespace

const Isa* AllIsas(int* count) {
  *count = kIsaCount;
  return kIsas;
}

const Isa* ChooseIsa(const char* name, char* error, int error_size) {
  const char* origin = "option isa";
  if (name == nullptr || name[0] == '\0') {
    name = getenv("XNCAPS_ISA");
    origin = "XNCAPS_ISA";
  }
  if (name == nullptr || name[0] == '\0') {
    for (int i = kIsaCount - 1; i > 0; --i) {
      if (kIsas[i].available()) return &kIsas[i];
    }
    return &kIsas[0];
  }
  char names[128] = "";
  for (int i = 0; i < kIsaCount; ++i) {
    if (strcmp(kIsas[i].name, name) == 0) {
      if (kIsas[i].available()) return &kIsas[i];
      snprintf(error, error_size, "%s: this machine does not have %s", origin, name);
      return nullptr;
    }
    const size_t used = strlen(names);
    snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", kIsas[i].name);
  }
  snprintf(error, error_size, "%s: expected one of %s (what this build has). Received: %.40s.",
           origin, names, name);
  return nullptr;
}

}  // namespace xncaps
