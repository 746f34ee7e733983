// The capsule kernels over one instruction set's vectors.
#include "kernels/caps_project.h"
#include "kernels/caps_turn.h"
#include "kernels/simd_avx2.h"

namespace xncaps {

extern const CapsKernels kCapsAvx2;
const CapsKernels kCapsAvx2 = {CapsProject<Avx2Vectors>::Project, CapsTurn<Avx2Vectors>::Turn,
                               CapsTurn<Avx2Vectors>::Squash,     true,
                               Avx2Vectors::kSumsInterleaved,     Avx2Vectors::kSumUnit};

}  // namespace xncaps
