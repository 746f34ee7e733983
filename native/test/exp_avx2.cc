#include "kernels/simd_avx2.h"
#include "test/exp_values.h"

namespace xncaps {

typedef Avx2Vectors V;

void ExpAvx2(const float* x, size_t count, float* y) {
  for (size_t i = 0; i < count; i += 8) V::Store(y + i, V::Exp(V::Load(x + i)));
}

}  // namespace xncaps
