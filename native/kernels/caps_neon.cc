// The capsule kernels over one instruction set's vectors.
#include "kernels/caps_project.h"
#include "kernels/caps_turn.h"
#include "kernels/simd_neon.h"

namespace xncaps {

extern const CapsKernels kCapsNeon;
const CapsKernels kCapsNeon = {CapsProject<NeonVectors>::Project, CapsTurn<NeonVectors>::Turn,
                               CapsTurn<NeonVectors>::Squash,     true,
                               NeonVectors::kSumsInterleaved,     NeonVectors::kSumUnit};

}  // namespace xncaps
