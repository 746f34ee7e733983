#include "kernels/caps_body.h"
#include "kernels/simd_neon.h"

namespace xncaps {

extern const CapsKernels kCapsNeon;
const CapsKernels kCapsNeon = {Project, Turn, Squash, true};

}  // namespace xncaps
