// The capsule kernels for one instruction set: its vectors first, then the bodies on top of them.
#include "kernels/simd_avx2.h"

#include "kernels/caps_project.h"
#include "kernels/caps_turn.h"

namespace xncaps {

extern const CapsKernels kCapsAvx2;
const CapsKernels kCapsAvx2 = {Project, Turn, Squash, true, kSumsInterleaved, kSumUnit};

}  // namespace xncaps
