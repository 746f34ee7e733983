// Which instruction set's kernels run on this machine.
#ifndef XNCAPS_KERNELS_DISPATCH_H_
#define XNCAPS_KERNELS_DISPATCH_H_

#include "kernels/caps_kernels.h"
#include "kernels/lce_kernels.h"

namespace xncaps {

// Everything one instruction set offers. A new family of kernels is one more pointer here and one
// more column in kernels.inc.
struct Isa {
  const char* name;     // "scalar", "avx2", "avx512", "neon"
  bool (*available)();  // on this machine
  const CapsKernels* caps;
  const LceKernels* lce;
};

// All of this build, best last.
const Isa* AllIsas(int* count);

// `name` null or "": what XNCAPS_ISA says, else the best that the machine has. Null where the name
// is unknown, not in this build or not available here; `error` then says so.
const Isa* ChooseIsa(const char* name, char* error, int error_size);

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_DISPATCH_H_
