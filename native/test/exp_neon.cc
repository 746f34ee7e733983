#include "kernels/simd_neon.h"
#include "test/exp_values.h"

namespace xncaps {

typedef NeonVectors V;

void ExpNeon(const float* x, size_t count, float* y) {
  for (size_t i = 0; i < count; i += 8) V::Store(y + i, V::Exp(V::Load(x + i)));
}

}  // namespace xncaps
