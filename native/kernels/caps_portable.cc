#include "kernels/simd_portable.h"

#include "kernels/caps_body.h"

namespace xncaps {

extern const CapsKernels kCapsPortable;
const CapsKernels kCapsPortable = {Project, Turn, Squash, false};

}  // namespace xncaps
