// Eight floats (two registers) and 32 bytes at a time: Advanced SIMD of aarch64.
#ifndef XNCAPS_KERNELS_SIMD_NEON_H_
#define XNCAPS_KERNELS_SIMD_NEON_H_

#include <arm_neon.h>
#include <stdint.h>

#include "kernels/simd.h"

namespace xncaps {
namespace {

struct NeonVectors {
  struct F8 {
    float32x4_t a, b;
  };
  struct B32 {
    uint8x16_t a, b;
  };

  XNCAPS_INLINE F8 Load(const float* p) { return {vld1q_f32(p), vld1q_f32(p + 4)}; }
  XNCAPS_INLINE void Store(float* p, F8 x) {
    vst1q_f32(p, x.a);
    vst1q_f32(p + 4, x.b);
  }
  XNCAPS_INLINE F8 Set(float x) { return {vdupq_n_f32(x), vdupq_n_f32(x)}; }
  XNCAPS_INLINE F8 Zero() { return Set(0.0f); }
  XNCAPS_INLINE F8 Add(F8 x, F8 y) { return {vaddq_f32(x.a, y.a), vaddq_f32(x.b, y.b)}; }
  XNCAPS_INLINE F8 Sub(F8 x, F8 y) { return {vsubq_f32(x.a, y.a), vsubq_f32(x.b, y.b)}; }
  XNCAPS_INLINE F8 Mul(F8 x, F8 y) { return {vmulq_f32(x.a, y.a), vmulq_f32(x.b, y.b)}; }
  XNCAPS_INLINE F8 Fma(F8 x, F8 y, F8 c) {
    return {vfmaq_f32(c.a, x.a, y.a), vfmaq_f32(c.b, x.b, y.b)};
  }
  XNCAPS_INLINE F8 Max(F8 x, F8 y) { return {vmaxq_f32(x.a, y.a), vmaxq_f32(x.b, y.b)}; }
  XNCAPS_INLINE F8 Div(F8 x, F8 y) { return {vdivq_f32(x.a, y.a), vdivq_f32(x.b, y.b)}; }
  XNCAPS_INLINE F8 Sqrt(F8 x) { return {vsqrtq_f32(x.a), vsqrtq_f32(x.b)}; }
  XNCAPS_INLINE F8 Abs(F8 x) { return {vabsq_f32(x.a), vabsq_f32(x.b)}; }
  XNCAPS_INLINE F8 LoadHalf(const uint16_t* p) {
    const float16x8_t h = vreinterpretq_f16_u16(vld1q_u16(p));
    return {vcvt_f32_f16(vget_low_f16(h)), vcvt_f32_f16(vget_high_f16(h))};
  }
  XNCAPS_INLINE F8 FromInt8(int8x8_t t) {
    const int16x8_t s = vmovl_s8(t);
    return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(s))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(s)))};
  }

  // See simd_avx2.h; here with the range reduction of Cephes.
  XNCAPS_INLINE float32x4_t Exp4(float32x4_t x) {
    x = vmaxq_f32(x, vdupq_n_f32(-86.0f));
    const float32x4_t k = vrndnq_f32(vmulq_n_f32(x, 1.44269504f));
    float32x4_t f = vfmsq_f32(x, k, vdupq_n_f32(0.693359375f));
    f = vfmsq_f32(f, k, vdupq_n_f32(-2.12194440e-4f));
    float32x4_t p = vdupq_n_f32(1.9875691500e-4f);
    p = vfmaq_f32(vdupq_n_f32(1.3981999507e-3f), p, f);
    p = vfmaq_f32(vdupq_n_f32(8.3334519073e-3f), p, f);
    p = vfmaq_f32(vdupq_n_f32(4.1665795894e-2f), p, f);
    p = vfmaq_f32(vdupq_n_f32(1.6666665459e-1f), p, f);
    p = vfmaq_f32(vdupq_n_f32(5.0000001201e-1f), p, f);
    p = vfmaq_f32(vaddq_f32(f, vdupq_n_f32(1.0f)), p, vmulq_f32(f, f));
    const int32x4_t exponent = vshlq_n_s32(vcvtq_s32_f32(k), 23);
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(p), exponent));
  }
  XNCAPS_INLINE F8 Exp(F8 x) { return {Exp4(x.a), Exp4(x.b)}; }

  XNCAPS_INLINE B32 LoadBytes(const uint8_t* p) { return {vld1q_u8(p), vld1q_u8(p + 16)}; }
  XNCAPS_INLINE void StoreBytes(int8_t* p, B32 x) {
    vst1q_s8(p, vreinterpretq_s8_u8(x.a));
    vst1q_s8(p + 16, vreinterpretq_s8_u8(x.b));
  }
  XNCAPS_INLINE B32 SetBytes(uint8_t x) { return {vdupq_n_u8(x), vdupq_n_u8(x)}; }
  XNCAPS_INLINE B32 AddBytes(B32 x, B32 y) { return {vaddq_u8(x.a, y.a), vaddq_u8(x.b, y.b)}; }
  XNCAPS_INLINE B32 SignDot(B32 x, B32 w) {
    const uint8x16_t eight = vdupq_n_u8(8);
    const uint8x16_t p = vcntq_u8(veorq_u8(x.a, w.a)), q = vcntq_u8(veorq_u8(x.b, w.b));
    return {vsubq_u8(eight, vaddq_u8(p, p)), vsubq_u8(eight, vaddq_u8(q, q))};
  }
  XNCAPS_INLINE void BytesToFloats(B32 t, F8* f) {
    const int8x16_t x = vreinterpretq_s8_u8(t.a), y = vreinterpretq_s8_u8(t.b);
    f[0] = FromInt8(vget_low_s8(x));
    f[1] = FromInt8(vget_high_s8(x));
    f[2] = FromInt8(vget_low_s8(y));
    f[3] = FromInt8(vget_high_s8(y));
  }

  // Sums of signs as floats, in units and an order that cost least: see simd_avx2.h.
  static constexpr bool kSumsInterleaved = false;
  static constexpr float kSumUnit = 1.0f;
  XNCAPS_INLINE void SumsToFloats(B32 t, F8* f) { BytesToFloats(t, f); }

  XNCAPS_INLINE void Transpose4(float32x4_t* r) {
    const float32x4x2_t p = vtrnq_f32(r[0], r[1]), q = vtrnq_f32(r[2], r[3]);
    r[0] = vcombine_f32(vget_low_f32(p.val[0]), vget_low_f32(q.val[0]));
    r[1] = vcombine_f32(vget_low_f32(p.val[1]), vget_low_f32(q.val[1]));
    r[2] = vcombine_f32(vget_high_f32(p.val[0]), vget_high_f32(q.val[0]));
    r[3] = vcombine_f32(vget_high_f32(p.val[1]), vget_high_f32(q.val[1]));
  }
  XNCAPS_INLINE void Transpose8(F8* r) {
    float32x4_t aa[4], ab[4], ba[4], bb[4];
    for (int i = 0; i < 4; ++i) {
      aa[i] = r[i].a;
      ab[i] = r[i].b;
      ba[i] = r[i + 4].a;
      bb[i] = r[i + 4].b;
    }
    Transpose4(aa);
    Transpose4(ab);
    Transpose4(ba);
    Transpose4(bb);
    for (int i = 0; i < 4; ++i) {
      r[i] = {aa[i], ba[i]};
      r[i + 4] = {ab[i], bb[i]};
    }
  }
  XNCAPS_INLINE F8 Sums8(F8* r) {
    float32x4_t s[8];
    for (int i = 0; i < 8; ++i) s[i] = vaddq_f32(r[i].a, r[i].b);
    return {vpaddq_f32(vpaddq_f32(s[0], s[1]), vpaddq_f32(s[2], s[3])),
            vpaddq_f32(vpaddq_f32(s[4], s[5]), vpaddq_f32(s[6], s[7]))};
  }
  XNCAPS_INLINE uint8_t SignBits(F8 x) {
    const uint32x4_t low = {1, 2, 4, 8}, high = {16, 32, 64, 128};
    return static_cast<uint8_t>(
        vaddvq_u32(vorrq_u32(vandq_u32(vcgtzq_f32(x.a), low), vandq_u32(vcgtzq_f32(x.b), high))));
  }

  struct SignLanes {
    uint32x4_t a, b;
  };
  XNCAPS_INLINE SignLanes NoSigns() { return {vdupq_n_u32(0), vdupq_n_u32(0)}; }
  XNCAPS_INLINE SignLanes FirstBit() { return {vdupq_n_u32(1), vdupq_n_u32(1)}; }
  XNCAPS_INLINE SignLanes NextBit(SignLanes bit) {
    return {vaddq_u32(bit.a, bit.a), vaddq_u32(bit.b, bit.b)};
  }
  XNCAPS_INLINE SignLanes AddSign(SignLanes lanes, F8 x, SignLanes bit) {
    return {vorrq_u32(lanes.a, vandq_u32(vcgtzq_f32(x.a), bit.a)),
            vorrq_u32(lanes.b, vandq_u32(vcgtzq_f32(x.b), bit.b))};
  }
  XNCAPS_INLINE void StoreSigns(uint8_t* p, SignLanes lanes) {
    vst1_u8(p, vmovn_u16(vcombine_u16(vmovn_u32(lanes.a), vmovn_u32(lanes.b))));
  }
};

}  // namespace
}  // namespace xncaps

#endif  // XNCAPS_KERNELS_SIMD_NEON_H_
