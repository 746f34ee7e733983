#include "kernels/simd_neon.h"

#include "kernels/caps_body.h"

namespace xncaps {

extern const CapsKernels kCapsNeon;
const CapsKernels kCapsNeon = {Project, Turn, Squash, true};

}  // namespace xncaps
