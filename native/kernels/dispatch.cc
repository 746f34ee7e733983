#include "kernels/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/x86_features.h"

namespace xncaps {

#define XNCAPS_ISA(name, has, caps, lce) \
  extern const CapsKernels caps;         \
  extern const LceKernels lce;
#include "kernels/kernels.inc"
#undef XNCAPS_ISA

namespace {

#if defined(__x86_64__)
bool HasAvx2() { return RunsAvx2(ReadX86Features()); }
bool HasAvx512() { return RunsAvx512(ReadX86Features()); }
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
