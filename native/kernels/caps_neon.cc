// The capsule kernels for one instruction set: its vectors first, then the bodies on top of them.
#include "kernels/simd_neon.h"

#include "kernels/caps_project.h"
#include "kernels/caps_turn.h"

namespace xncaps {

extern const CapsKernels kCapsNeon;
const CapsKernels kCapsNeon = {Project, Turn, Squash, true, kSumsInterleaved, kSumUnit};

}  // namespace xncaps
