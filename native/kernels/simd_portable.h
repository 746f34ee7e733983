// The same operations as simd_avx2.h in plain C++: what a machine without a kernel of its own runs.
#ifndef XNCAPS_KERNELS_SIMD_PORTABLE_H_
#define XNCAPS_KERNELS_SIMD_PORTABLE_H_

#include <stdint.h>
#include <string.h>

#include "kernels/simd.h"

#define XNCAPS_LANES(i) for (int i = 0; i < 8; ++i)
#define XNCAPS_BYTES(i) for (int i = 0; i < 32; ++i)

namespace xncaps {
namespace {

struct PortableVectors {
  struct F8 {
    float x[8];
  };
  struct B32 {
    uint8_t x[32];
  };

  XNCAPS_INLINE F8 Load(const float* p) {
    F8 r;
    memcpy(r.x, p, sizeof r.x);
    return r;
  }
  XNCAPS_INLINE void Store(float* p, F8 a) { memcpy(p, a.x, sizeof a.x); }
  XNCAPS_INLINE F8 Set(float v) {
    F8 r;
    XNCAPS_LANES(i) r.x[i] = v;
    return r;
  }
  XNCAPS_INLINE F8 Zero() { return Set(0.0f); }
  XNCAPS_INLINE F8 Add(F8 a, F8 b) {
    XNCAPS_LANES(i) a.x[i] += b.x[i];
    return a;
  }
  XNCAPS_INLINE F8 Sub(F8 a, F8 b) {
    XNCAPS_LANES(i) a.x[i] -= b.x[i];
    return a;
  }
  XNCAPS_INLINE F8 Mul(F8 a, F8 b) {
    XNCAPS_LANES(i) a.x[i] *= b.x[i];
    return a;
  }
  XNCAPS_INLINE F8 Fma(F8 a, F8 b, F8 c) {
    XNCAPS_LANES(i) c.x[i] += a.x[i] * b.x[i];
    return c;
  }
  XNCAPS_INLINE F8 Max(F8 a, F8 b) {
    XNCAPS_LANES(i) a.x[i] = a.x[i] > b.x[i] ? a.x[i] : b.x[i];
    return a;
  }
  XNCAPS_INLINE F8 Div(F8 a, F8 b) {
    XNCAPS_LANES(i) a.x[i] /= b.x[i];
    return a;
  }
  XNCAPS_INLINE F8 Sqrt(F8 a) {
    XNCAPS_LANES(i) a.x[i] = __builtin_sqrtf(a.x[i]);
    return a;
  }
  XNCAPS_INLINE F8 Abs(F8 a) {
    XNCAPS_LANES(i) a.x[i] = __builtin_fabsf(a.x[i]);
    return a;
  }

  // See simd_avx2.h; here with the range reduction of Cephes.
  XNCAPS_INLINE F8 Exp(F8 a) {
    XNCAPS_LANES(i) {
      const float given = a.x[i];
      const float limited = given < 0.0f ? given : 0.0f;  // also what is not a number
      const float x = limited >= -86.0f ? limited : -86.0f;
      const int32_t k = static_cast<int32_t>(x * 1.44269504f - 0.5f);
      const float kf = static_cast<float>(k);
      const float f = (x - kf * 0.693359375f) + kf * 2.12194440e-4f;
      float p = 1.9875691500e-4f;
      p = p * f + 1.3981999507e-3f;
      p = p * f + 8.3334519073e-3f;
      p = p * f + 4.1665795894e-2f;
      p = p * f + 1.6666665459e-1f;
      p = p * f + 5.0000001201e-1f;
      p = p * (f * f) + (f + 1.0f);
      const int32_t bits = (k + 127) << 23;
      float power;
      memcpy(&power, &bits, sizeof power);
      a.x[i] = given == given ? p * power : given;
    }
    return a;
  }

  XNCAPS_INLINE B32 LoadBytes(const uint8_t* p) {
    B32 r;
    memcpy(r.x, p, sizeof r.x);
    return r;
  }
  XNCAPS_INLINE void StoreBytes(int8_t* p, B32 a) { memcpy(p, a.x, sizeof a.x); }
  XNCAPS_INLINE B32 SetBytes(uint8_t v) {
    B32 r;
    memset(r.x, v, sizeof r.x);
    return r;
  }
  XNCAPS_INLINE B32 AddBytes(B32 a, B32 b) {
    XNCAPS_BYTES(i) a.x[i] = static_cast<uint8_t>(a.x[i] + b.x[i]);
    return a;
  }
  XNCAPS_INLINE B32 SignDot(B32 a, B32 b) {
    B32 r;
    XNCAPS_BYTES(i) {
      uint8_t t = a.x[i] ^ b.x[i];
      t = static_cast<uint8_t>(t - ((t >> 1) & 0x55));
      t = static_cast<uint8_t>((t & 0x33) + ((t >> 2) & 0x33));
      t = (t + (t >> 4)) & 15;
      r.x[i] = static_cast<uint8_t>(8 - 2 * t);
    }
    return r;
  }
  XNCAPS_INLINE void BytesToFloats(B32 t, F8* f) {
    for (int k = 0; k < 4; ++k) {
      XNCAPS_LANES(i) f[k].x[i] = static_cast<int8_t>(t.x[8 * k + i]);
    }
  }
  // Sums of signs as floats, in units and an order that cost least: see simd_avx2.h.
  static constexpr bool kSumsInterleaved = false;
  static constexpr float kSumUnit = 1.0f;
  XNCAPS_INLINE void SumsToFloats(B32 t, F8* f) { BytesToFloats(t, f); }

  XNCAPS_INLINE void Transpose8(F8* r) {
    for (int i = 0; i < 8; ++i) {
      for (int k = 0; k < i; ++k) {
        const float t = r[i].x[k];
        r[i].x[k] = r[k].x[i];
        r[k].x[i] = t;
      }
    }
  }
  XNCAPS_INLINE F8 Sums8(F8* r) {
    F8 sums;
    XNCAPS_LANES(i) {
      const float* x = r[i].x;
      sums.x[i] = ((x[0] + x[4]) + (x[1] + x[5])) + ((x[2] + x[6]) + (x[3] + x[7]));
    }
    return sums;
  }
  XNCAPS_INLINE uint8_t SignBits(F8 a) {
    unsigned bits = 0;
    XNCAPS_LANES(i) bits |= static_cast<unsigned>(a.x[i] > 0) << i;
    return static_cast<uint8_t>(bits);
  }

  struct SignLanes {
    uint8_t x[8];
  };
  XNCAPS_INLINE SignLanes NoSigns() {
    SignLanes r;
    memset(r.x, 0, sizeof r.x);
    return r;
  }
  XNCAPS_INLINE SignLanes FirstBit() {
    SignLanes r;
    memset(r.x, 1, sizeof r.x);
    return r;
  }
  XNCAPS_INLINE SignLanes NextBit(SignLanes bit) {
    XNCAPS_LANES(i) bit.x[i] = static_cast<uint8_t>(bit.x[i] << 1);
    return bit;
  }
  XNCAPS_INLINE SignLanes AddSign(SignLanes lanes, F8 a, SignLanes bit) {
    XNCAPS_LANES(i) lanes.x[i] = static_cast<uint8_t>(lanes.x[i] | (a.x[i] > 0 ? bit.x[i] : 0));
    return lanes;
  }
  XNCAPS_INLINE void StoreSigns(uint8_t* p, SignLanes lanes) { memcpy(p, lanes.x, sizeof lanes.x); }

  // Half kernels are expanded when packed, so this is never reached; it keeps one body for all.
  XNCAPS_INLINE F8 LoadHalf(const uint16_t* p) {
    F8 r;
    XNCAPS_LANES(i) r.x[i] = p[i];
    return r;
  }
};

}  // namespace
}  // namespace xncaps

#endif  // XNCAPS_KERNELS_SIMD_PORTABLE_H_
