#include "kernels/simd_portable.h"
#include "test/exp_values.h"

namespace xncaps {

typedef PortableVectors V;

void ExpPortable(const float* x, size_t count, float* y) {
  for (size_t i = 0; i < count; i += 8) V::Store(y + i, V::Exp(V::Load(x + i)));
}

}  // namespace xncaps
