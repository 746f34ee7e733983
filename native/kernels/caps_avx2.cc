#include "kernels/caps_body.h"
#include "kernels/simd_avx2.h"

namespace xncaps {

extern const CapsKernels kCapsAvx2;
const CapsKernels kCapsAvx2 = {Project, Turn, Squash, true};

}  // namespace xncaps
