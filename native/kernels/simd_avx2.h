// Eight floats and 32 bytes at a time: AVX2 with FMA and F16C. Only for files built with those
// flags.
#ifndef XNCAPS_KERNELS_SIMD_AVX2_H_
#define XNCAPS_KERNELS_SIMD_AVX2_H_

#include <immintrin.h>
#include <stdint.h>

#include "kernels/simd.h"

namespace xncaps {
namespace {

struct Avx2Vectors {
  typedef __m256 F8;
  typedef __m256i B32;

  XNCAPS_INLINE F8 Load(const float* p) { return _mm256_loadu_ps(p); }
  XNCAPS_INLINE void Store(float* p, F8 a) { _mm256_storeu_ps(p, a); }
  XNCAPS_INLINE F8 Set(float x) { return _mm256_set1_ps(x); }
  XNCAPS_INLINE F8 Zero() { return _mm256_setzero_ps(); }
  XNCAPS_INLINE F8 Add(F8 a, F8 b) { return _mm256_add_ps(a, b); }
  XNCAPS_INLINE F8 Sub(F8 a, F8 b) { return _mm256_sub_ps(a, b); }
  XNCAPS_INLINE F8 Mul(F8 a, F8 b) { return _mm256_mul_ps(a, b); }
  XNCAPS_INLINE F8 Fma(F8 a, F8 b, F8 c) { return _mm256_fmadd_ps(a, b, c); }
  XNCAPS_INLINE F8 Max(F8 a, F8 b) { return _mm256_max_ps(a, b); }
  XNCAPS_INLINE F8 Div(F8 a, F8 b) { return _mm256_div_ps(a, b); }
  XNCAPS_INLINE F8 Sqrt(F8 a) { return _mm256_sqrt_ps(a); }
  XNCAPS_INLINE F8 Abs(F8 a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  XNCAPS_INLINE F8 LoadHalf(const uint16_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }

  // 2^k * poly5(f) of x <= 0: see the sweep in exp_test.cc for its error. Below -86 it stays e^-86;
  // what is not a number stays so.
  XNCAPS_INLINE F8 Exp(F8 x) {
    const F8 magic = Set(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
    x = _mm256_max_ps(Set(-86.0f), x);  // the second one where either is not a number
    const F8 k = Sub(Fma(x, Set(1.44269504f), magic), magic);
    const F8 f = _mm256_fmsub_ps(x, Set(1.44269504f), k);
    F8 p = Fma(f, Set(0.001327647178f), Set(0.009675541333f));
    p = Fma(p, f, Set(0.05550713274f));
    p = Fma(p, f, Set(0.2402211972f));
    p = Fma(p, f, Set(0.6931469671f));
    p = Fma(p, f, Set(1.000000072f));
    const __m256i exponent =
        _mm256_slli_epi32(_mm256_cvtps_epi32(k), 23);  // 0 of what is no number
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
  }

  XNCAPS_INLINE B32 LoadBytes(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  XNCAPS_INLINE void StoreBytes(int8_t* p, B32 a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a);
  }
  XNCAPS_INLINE B32 SetBytes(uint8_t x) { return _mm256_set1_epi8(static_cast<char>(x)); }
  XNCAPS_INLINE B32 AddBytes(B32 a, B32 b) { return _mm256_add_epi8(a, b); }

  // Of each byte: 8 - 2 * popcount(x ^ w), the sum of eight products of signs.
  XNCAPS_INLINE B32 SignDot(B32 x, B32 w) {
    const B32 table = _mm256_setr_epi8(4, 2, 2, 0, 2, 0, 0, -2, 2, 0, 0, -2, 0, -2, -2, -4,  //
                                       4, 2, 2, 0, 2, 0, 0, -2, 2, 0, 0, -2, 0, -2, -2, -4);
    const B32 nibble = _mm256_set1_epi8(15);
    const B32 t = _mm256_xor_si256(x, w);
    const B32 low = _mm256_and_si256(t, nibble);
    const B32 high = _mm256_and_si256(_mm256_srli_epi16(t, 4), nibble);
    return _mm256_add_epi8(_mm256_shuffle_epi8(table, low), _mm256_shuffle_epi8(table, high));
  }

  // The 32 signed bytes as four vectors of floats.
  XNCAPS_INLINE void BytesToFloats(B32 t, F8* f) {
    const __m128i low = _mm256_castsi256_si128(t), high = _mm256_extracti128_si256(t, 1);
    f[0] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(low));
    f[1] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(low, 8)));
    f[2] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(high));
    f[3] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(high, 8)));
  }

  // Sums of signs as floats, at the cost of a shuffle and a conversion: each byte goes to the top
  // of its word and the rest of the word is zero. So the vectors take every fourth byte, and the
  // floats are kSumUnit times the bytes.
  static constexpr bool kSumsInterleaved = true;
  static constexpr float kSumUnit = 16777216.0f;
  XNCAPS_INLINE void SumsToFloats(B32 t, F8* f) {
    const B32 take0 =
        _mm256_setr_epi8(-1, -1, -1, 0, -1, -1, -1, 4, -1, -1, -1, 8, -1, -1, -1, 12,  //
                         -1, -1, -1, 0, -1, -1, -1, 4, -1, -1, -1, 8, -1, -1, -1, 12);
    const B32 take1 =
        _mm256_setr_epi8(-1, -1, -1, 1, -1, -1, -1, 5, -1, -1, -1, 9, -1, -1, -1, 13,  //
                         -1, -1, -1, 1, -1, -1, -1, 5, -1, -1, -1, 9, -1, -1, -1, 13);
    const B32 take2 =
        _mm256_setr_epi8(-1, -1, -1, 2, -1, -1, -1, 6, -1, -1, -1, 10, -1, -1, -1, 14,  //
                         -1, -1, -1, 2, -1, -1, -1, 6, -1, -1, -1, 10, -1, -1, -1, 14);
    const B32 top = _mm256_set1_epi32(static_cast<int>(0xff000000u));
    f[0] = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(t, take0));
    f[1] = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(t, take1));
    f[2] = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(t, take2));
    f[3] = _mm256_cvtepi32_ps(_mm256_and_si256(t, top));
  }

  XNCAPS_INLINE void Transpose8(F8* r) {
    F8 s[8], t[8];
    for (int i = 0; i < 8; i += 2) {
      s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
      s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
      t[i] = _mm256_shuffle_ps(s[i], s[i + 2], 0x44);
      t[i + 1] = _mm256_shuffle_ps(s[i], s[i + 2], 0xee);
      t[i + 2] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0x44);
      t[i + 3] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      r[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
      r[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
    }
  }

  // Eight horizontal sums: lane i is the sum of r[i], in an order that all instruction sets share:
  // with values near float's end another one may overflow.
  XNCAPS_INLINE F8 Sums8(const F8* r) {
    F8 s[4];
    for (int i = 0; i < 4; ++i) {
      const F8 a = r[i], b = r[i + 4];  // lanes a0+a4 a1+a5 a2+a6 a3+a7, then b's
      s[i] = Add(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    }
    return _mm256_hadd_ps(_mm256_hadd_ps(s[0], s[1]), _mm256_hadd_ps(s[2], s[3]));
  }

  // Bit i is lane i > 0.
  XNCAPS_INLINE uint8_t SignBits(F8 a) {
    return static_cast<uint8_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, Zero(), _CMP_GT_OQ)));
  }

  // Eight signs for each of eight lanes: the bit `bit` of lane i's byte is a[i] > 0.
  typedef __m256i SignLanes;
  XNCAPS_INLINE SignLanes NoSigns() { return _mm256_setzero_si256(); }
  XNCAPS_INLINE SignLanes FirstBit() { return _mm256_set1_epi32(1); }
  XNCAPS_INLINE SignLanes NextBit(SignLanes bit) { return _mm256_add_epi32(bit, bit); }
  XNCAPS_INLINE SignLanes AddSign(SignLanes lanes, F8 a, SignLanes bit) {
    const __m256i positive = _mm256_castps_si256(_mm256_cmp_ps(a, Zero(), _CMP_GT_OQ));
    return _mm256_or_si256(lanes, _mm256_and_si256(positive, bit));
  }
  XNCAPS_INLINE void StoreSigns(uint8_t* p, SignLanes lanes) {
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
  }
};

}  // namespace
}  // namespace xncaps

#endif  // XNCAPS_KERNELS_SIMD_AVX2_H_
