// The capsule kernels for one instruction set: its vectors first, then the bodies on top of them.
#include "kernels/simd_portable.h"

#include "kernels/caps_project.h"
#include "kernels/caps_turn.h"

namespace xncaps {

extern const CapsKernels kCapsPortable;
const CapsKernels kCapsPortable = {Project, Turn, Squash, false, kSumsInterleaved, kSumUnit};

}  // namespace xncaps
