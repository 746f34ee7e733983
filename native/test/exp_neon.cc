#include "kernels/simd_neon.h"
#include "test/exp_values.h"

namespace xncaps {

void ExpNeon(const float* x, size_t count, float* y) {
  for (size_t i = 0; i < count; i += 8) Store(y + i, Exp(Load(x + i)));
}

}  // namespace xncaps
