// larq-compute-engine's ops with AVX-512: 16 output channels in a vector, a word of 32 bits of each
// a step, xor and vpopcntd.
#include <immintrin.h>

// gcc 12 warns of what its own header leaves undefined on purpose (its bug 105593), where inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#include "kernels/lce_bconv.h"
#include "kernels/lce_pack.h"

namespace xncaps {
namespace {

// What the binary convolution (lce_bconv.h) is a template over.
struct Avx512 {
  typedef uint32_t Code;
  typedef uint32_t Count;
  static constexpr int kBlock = 32, kSuper = 4,
                       kWide = 2;    // a block is two vectors: a word of signs
  static constexpr int kChunk = 36;  // of codes: 18 KB of the filter
  static constexpr uint8_t kLanes[kBlock] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                             11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                             22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

  static void ExpandWords(const char* from, size_t words, Code* to) { memcpy(to, from, words * 4); }

  template <int kPixels, int kVectors>
  static inline __attribute__((always_inline)) void Step(const Code* const* pixels, ptrdiff_t i,
                                                         const Code* filter,
                                                         __m512i (*sums)[kVectors]) {
    __m512i w[kVectors];
#pragma GCC unroll 8
    for (int b = 0; b < kVectors; ++b) w[b] = _mm512_load_si512(filter + b * 16);
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
      const __m512i x = _mm512_set1_epi32(static_cast<int>(pixels[p][i]));
#pragma GCC unroll 8
      for (int b = 0; b < kVectors; ++b) {
        const __m512i ones = _mm512_popcnt_epi32(_mm512_xor_si512(x, w[b]));
        sums[p][b] = _mm512_add_epi32(sums[p][b], ones);
      }
    }
  }

  template <int kPixels, int kBlocks>
  static void Accumulate(const Code* const* pixels, const BconvSegment* segments, int count,
                         const Code* filter, Count* counts, bool first) {
    constexpr int kVectors = 2 * kBlocks;
    __m512i sums[kPixels][kVectors];
    const Code* at[kPixels];
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
      at[p] = pixels[p];
#pragma GCC unroll 8
      for (int b = 0; b < kVectors; ++b) sums[p][b] = _mm512_setzero_si512();
    }
    for (int s = 0; s < count; ++s) {
      const ptrdiff_t end = static_cast<ptrdiff_t>(segments[s].offset) + segments[s].length;
      for (ptrdiff_t i = segments[s].offset; i < end; ++i, filter += kBlocks * kBlock)
        Step<kPixels, kVectors>(at, i, filter, sums);
    }
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 8
      for (int b = 0; b < kVectors; ++b) {
        Count* to = counts + p * kSuper * kBlock + b * 16;
        const __m512i before = first ? _mm512_setzero_si512() : _mm512_load_si512(to);
        _mm512_store_si512(to, _mm512_add_epi32(before, sums[p][b]));
      }
    }
  }

  static uint32_t Above16(const Count* counts, const int32_t* thresholds) {
    return _mm512_cmpgt_epi32_mask(_mm512_load_si512(counts), _mm512_load_si512(thresholds));
  }

  static uint32_t BitBlock(const Count* counts, const BconvView& v, size_t at) {
    return Above16(counts, v.thresholds + at) | Above16(counts + 16, v.thresholds + at + 16) << 16;
  }

  typedef __m512 Floats;
  static constexpr int kFloats = 16;

  static __m512 Transformed(const Count* counts, const BconvView& v, size_t at) {
    __m512i x = _mm512_slli_epi32(_mm512_load_si512(counts), 1);
    x = _mm512_min_epi32(x, _mm512_set1_epi32(v.clamp_max));
    x = _mm512_max_epi32(x, _mm512_set1_epi32(v.clamp_min));
    const __m512 y = _mm512_mul_ps(_mm512_cvtepi32_ps(x), _mm512_load_ps(v.multiplier + at));
    return _mm512_add_ps(Rounded(y), _mm512_load_ps(v.bias + at));
  }

  static uint32_t Negative(__m512 x) {
    return _mm512_cmp_ps_mask(x, _mm512_set1_ps(kLargestNegative), _CMP_LE_OQ);
  }

  // Halves away from zero, as LCE rounds; what is not a number gives -128.
  static __m128i Bytes16(const Count* counts, const BconvView& v, size_t at) {
    __m512 y = _mm512_max_ps(Transformed(counts, v, at), _mm512_set1_ps(-128.0f));
    y = _mm512_min_ps(y, _mm512_set1_ps(127.0f));
    const __m512 sign = _mm512_and_ps(y, _mm512_set1_ps(-0.0f));
    const __m512 half = _mm512_or_ps(sign, _mm512_set1_ps(0.49999997f));
    return _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(_mm512_add_ps(y, half)));
  }

  static void Int8Block(const Count* counts, const BconvView& v, size_t at, int8_t* out) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), Bytes16(counts, v, at));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 16), Bytes16(counts + 16, v, at + 16));
  }
};

inline uint32_t Negative32(const char* p) {
  return Avx512::Negative(_mm512_loadu_ps(p)) | Avx512::Negative(_mm512_loadu_ps(p + 64)) << 16;
}

void PackFloats(const void* in, size_t rows, size_t cols, void* out) {
  PackFloatRows(in, rows, cols, out, Negative32);
}

void PackBytes(const int8_t* in, size_t rows, size_t cols, int below, void* out) {
  const bool all = below > 127;
  const __m256i limit = _mm256_set1_epi8(static_cast<char>(below < -128 ? -128 : below));
  const auto word = [=](size_t at) {
    const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + at));
    return all ? ~0u : static_cast<uint32_t>(_mm256_cmplt_epi8_mask(x, limit));
  };
  PackRows(rows, cols, out, word, [=](size_t at) { return in[at] < below; });
}

void UnpackFloats(const void* in, size_t rows, size_t cols, void* out) {
  const __m512 one = _mm512_set1_ps(1.0f), minus_one = _mm512_set1_ps(-1.0f);
  UnpackFloatRows<16>(in, rows, cols, out, [=](uint32_t word, char* to) {
    _mm512_storeu_ps(to, _mm512_mask_blend_ps(static_cast<__mmask16>(word), one, minus_one));
  });
}

void UnpackBytes(const void* in, size_t rows, size_t cols, uint8_t clear, uint8_t set,
                 uint8_t* out) {
  const char* from = static_cast<const char*>(in);
  const __m256i zero = _mm256_set1_epi8(static_cast<char>(clear));
  const __m256i one = _mm256_set1_epi8(static_cast<char>(set));
  for (size_t r = 0; r < rows; ++r) {
    for (size_t left = cols; left > 0; from += 4) {
      const size_t n = left < 32 ? left : 32;
      const __mmask32 wanted = n == 32 ? ~0u : (1u << n) - 1;
      const __m256i values = _mm256_mask_blend_epi8(LoadUnaligned<uint32_t>(from), zero, one);
      _mm256_mask_storeu_epi8(out, wanted, values);
      out += n;
      left -= n;
    }
  }
}

void AndBytes(const void* from, size_t bytes, void* to) {
  const char* a = static_cast<const char*>(from);
  char* b = static_cast<char*>(to);
  for (size_t done = 0; done < bytes; done += 64) {
    const size_t n = bytes - done < 64 ? bytes - done : 64;
    const __mmask64 wanted = ~__mmask64{0} >> (64 - n);
    const __m512i x = _mm512_maskz_loadu_epi8(wanted, a + done);
    const __m512i y = _mm512_maskz_loadu_epi8(wanted, b + done);
    _mm512_mask_storeu_epi8(b + done, wanted, _mm512_and_si512(x, y));
  }
}

}  // namespace

extern const LceKernels kLceAvx512;
const LceKernels kLceAvx512 = {
    PackFloats,
    PackBytes,
    UnpackFloats,
    UnpackBytes,
    AndBytes,
    {Avx512::kBlock, Avx512::kSuper, 32, 4, Avx512::kChunk, 4, 1 << 29, Avx512::kLanes},
    Bconv<Avx512>,
    PackAfter<Avx512>,
    ApplyTail};

}  // namespace xncaps
