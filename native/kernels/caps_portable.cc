#include "kernels/caps_body.h"
#include "kernels/simd_portable.h"

namespace xncaps {

extern const CapsKernels kCapsPortable;
const CapsKernels kCapsPortable = {Project, Turn, Squash, false};

}  // namespace xncaps
