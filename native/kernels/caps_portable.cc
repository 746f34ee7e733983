// The capsule kernels over one instruction set's vectors.
#include "kernels/caps_project.h"
#include "kernels/caps_turn.h"
#include "kernels/simd_portable.h"

namespace xncaps {

extern const CapsKernels kCapsPortable;
const CapsKernels kCapsPortable = {
    CapsProject<PortableVectors>::Project, CapsTurn<PortableVectors>::Turn,
    CapsTurn<PortableVectors>::Squash,     false,
    PortableVectors::kSumsInterleaved,     PortableVectors::kSumUnit};

}  // namespace xncaps
