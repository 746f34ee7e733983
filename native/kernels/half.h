// IEEE half precision in plain integers: neither gcc 11 nor clang 14 has _Float16 on x86.
#ifndef XNCAPS_KERNELS_HALF_H_
#define XNCAPS_KERNELS_HALF_H_

#include <stdint.h>
#include <string.h>

namespace xncaps {

inline float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 31, mantissa = half & 1023;
  uint32_t bits;
  if (exponent == 31) {
    bits = sign | 0x7f800000u | (mantissa << 13);
  } else if (exponent != 0) {
    bits = sign | ((exponent + 112) << 23) | (mantissa << 13);
  } else {
    const float denormal = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
    memcpy(&bits, &denormal, sizeof bits);
    bits |= sign;
  }
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_HALF_H_
