// larq-compute-engine's ops with AVX2.
//
// The convolution looks counts up: for the four bits x of an input, vpshufb takes the counts of
// ones in x ^ w for 32 channels' four bits w from a table of 16 bytes. Two such per 256 bits, two
// additions, and nothing else: xor, masks and shifts of the usual popcount are in the table.
#include <immintrin.h>

#include "kernels/lce_bconv.h"
#include "kernels/lce_pack.h"
#include "kernels/lce_tail.h"

namespace xncaps {
namespace {

#define XNCAPS_ONES4(n) ((n)&1) + ((n) >> 1 & 1) + ((n) >> 2 & 1) + ((n) >> 3 & 1)
#define XNCAPS_COUNTS(x)                                                                       \
  {                                                                                            \
    XNCAPS_ONES4(x ^ 0), XNCAPS_ONES4(x ^ 1), XNCAPS_ONES4(x ^ 2), XNCAPS_ONES4(x ^ 3),        \
        XNCAPS_ONES4(x ^ 4), XNCAPS_ONES4(x ^ 5), XNCAPS_ONES4(x ^ 6), XNCAPS_ONES4(x ^ 7),    \
        XNCAPS_ONES4(x ^ 8), XNCAPS_ONES4(x ^ 9), XNCAPS_ONES4(x ^ 10), XNCAPS_ONES4(x ^ 11),  \
        XNCAPS_ONES4(x ^ 12), XNCAPS_ONES4(x ^ 13), XNCAPS_ONES4(x ^ 14), XNCAPS_ONES4(x ^ 15) \
  }
alignas(64) constexpr uint8_t kCounts[16][16] = {
    XNCAPS_COUNTS(0),  XNCAPS_COUNTS(1),  XNCAPS_COUNTS(2),  XNCAPS_COUNTS(3),
    XNCAPS_COUNTS(4),  XNCAPS_COUNTS(5),  XNCAPS_COUNTS(6),  XNCAPS_COUNTS(7),
    XNCAPS_COUNTS(8),  XNCAPS_COUNTS(9),  XNCAPS_COUNTS(10), XNCAPS_COUNTS(11),
    XNCAPS_COUNTS(12), XNCAPS_COUNTS(13), XNCAPS_COUNTS(14), XNCAPS_COUNTS(15)};

inline __m256i Load32(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline void Store32(void* p, __m256i x) { _mm256_storeu_si256(static_cast<__m256i*>(p), x); }

// 16 bytes to the 32 codes of their halves.
inline __m256i CodesOf(__m128i bytes) {
  const __m256i x = _mm256_cvtepu8_epi16(bytes);
  return _mm256_or_si256(_mm256_and_si256(_mm256_slli_epi16(x, 1), _mm256_set1_epi16(0x001e)),
                         _mm256_and_si256(_mm256_slli_epi16(x, 5), _mm256_set1_epi16(0x1e00)));
}

// Left alone, gcc loads the filter once a pixel and adds in another order, with sums in memory: 2.5
// times slower.
inline __attribute__((always_inline)) void InRegister(__m256i* x) { __asm__("" : "+x"(*x)); }

// What the binary convolution (lce_bconv.h) is a template over.
struct Avx2 {
  typedef uint8_t Code;  // four bits, times two: 8 * code is where the table of these bits begins
  typedef uint16_t Count;
  static constexpr int kBlock = 32, kSuper = 4, kWide = 2, kCodesOfWord = 8;
  static constexpr int kChunk = 56;  // 63 counts of up to 4 fit in a byte; words have 8

  // Widening bytes to 16 bits takes 8 from each half of the vector: so packed, they come out
  // sorted.
  static constexpr uint8_t kLanes[kBlock] = {0,  1,  2,  3,  4,  5,  6,  7,  16, 17, 18,
                                             19, 20, 21, 22, 23, 8,  9,  10, 11, 12, 13,
                                             14, 15, 24, 25, 26, 27, 28, 29, 30, 31};

  static void ExpandWords(const char* from, size_t words, Code* to) {
    for (; words >= 4; words -= 4, from += 16, to += 32)
      Store32(to, CodesOf(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
    for (; words > 0; --words, from += 4, to += 8) {
      const __m128i word = _mm_cvtsi32_si128(LoadUnaligned<int>(from));
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(CodesOf(word)));
    }
  }

  template <int kPixels, int kBlocks>
  static inline __attribute__((always_inline)) void Step(const Code* const* pixels, ptrdiff_t i,
                                                         const Code* filter,
                                                         __m256i (*sums)[kBlocks]) {
    __m256i w[kBlocks];
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) {
      w[b] = Load32(filter + b * kBlock);
      InRegister(&w[b]);
    }
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
      const uint8_t* table = &kCounts[0][0] + static_cast<size_t>(pixels[p][i]) * 8;
      const __m256i t =
          _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table)));
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) {
        sums[p][b] = _mm256_add_epi8(sums[p][b], _mm256_shuffle_epi8(t, w[b]));
        InRegister(&sums[p][b]);
      }
    }
  }

  template <int kPixels, int kBlocks>
  static void Accumulate(const Code* const* pixels, const BconvSegment* segments, int count,
                         const Code* filter, Count* counts, bool first) {
    __m256i sums[kPixels][kBlocks];
    const Code* at[kPixels];
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
      at[p] = pixels[p];
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) sums[p][b] = _mm256_setzero_si256();
    }
    for (int s = 0; s < count; ++s) {
      const ptrdiff_t end = static_cast<ptrdiff_t>(segments[s].offset) + segments[s].length;
      for (ptrdiff_t i = segments[s].offset; i < end; i += kCodesOfWord) {
#pragma GCC unroll 8
        for (int k = 0; k < kCodesOfWord; ++k, filter += kBlocks * kBlock)
          Step<kPixels, kBlocks>(at, i + k, filter, sums);
      }
    }
    const __m256i zero = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) {
        Count* to = counts + (p * kSuper + b) * kBlock;
        __m256i low = _mm256_unpacklo_epi8(sums[p][b], zero);
        __m256i high = _mm256_unpackhi_epi8(sums[p][b], zero);
        if (!first) {
          low = _mm256_add_epi16(low, Load32(to));
          high = _mm256_add_epi16(high, Load32(to + 16));
        }
        Store32(to, low);
        Store32(to + 16, high);
      }
    }
  }

  static __m256i Counts8(const Count* counts) {
    return _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(counts)));
  }

  // All ones where a count is.
  static __m256i AtLeast16(const Count* counts, const uint16_t* least) {
    const __m256i x = Load32(counts);
    return _mm256_cmpeq_epi16(_mm256_max_epu16(x, Load32(least)), x);
  }

  static uint32_t BitBlock(const Count* counts, const BconvView& v, size_t at) {
    const __m256i low = AtLeast16(counts, v.least + at);
    const __m256i high = AtLeast16(counts + 16, v.least + at + 16);
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
    return static_cast<uint32_t>(_mm256_movemask_epi8(bytes));
  }

  typedef __m256 Floats;
  static constexpr int kFloats = 8;

  static __m256 Transformed(const Count* counts, const BconvView& v, size_t at) {
    __m256i x = _mm256_slli_epi32(Counts8(counts), 1);
    x = _mm256_min_epi32(x, _mm256_set1_epi32(v.clamp_max));
    x = _mm256_max_epi32(x, _mm256_set1_epi32(v.clamp_min));
    const __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(x), _mm256_loadu_ps(v.multiplier + at));
    return _mm256_add_ps(Rounded(y), _mm256_loadu_ps(v.bias + at));
  }

  static uint32_t Negative(__m256 x) {
    const __m256 less = _mm256_cmp_ps(x, _mm256_set1_ps(kLargestNegative), _CMP_LE_OQ);
    return static_cast<uint32_t>(_mm256_movemask_ps(less));
  }

  // Halves away from zero, as LCE rounds; what is not a number gives -128.
  static __m256i Bytes8(const Count* counts, const BconvView& v, size_t at) {
    __m256 y = _mm256_max_ps(Transformed(counts, v, at), _mm256_set1_ps(-128.0f));
    y = _mm256_min_ps(y, _mm256_set1_ps(127.0f));
    const __m256 sign = _mm256_and_ps(y, _mm256_set1_ps(-0.0f));
    return _mm256_cvttps_epi32(_mm256_add_ps(y, _mm256_or_ps(sign, _mm256_set1_ps(0.49999997f))));
  }

  static void Int8Block(const Count* counts, const BconvView& v, size_t at, int8_t* out) {
    const __m256i a = _mm256_packs_epi32(Bytes8(counts, v, at), Bytes8(counts + 8, v, at + 8));
    const __m256i b =
        _mm256_packs_epi32(Bytes8(counts + 16, v, at + 16), Bytes8(counts + 24, v, at + 24));
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    Store32(out, _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order));
  }
};

inline uint32_t Negative8(const char* p) {
  return Avx2::Negative(_mm256_loadu_ps(reinterpret_cast<const float*>(p)));
}

inline uint32_t Negative32(const char* p) {
  return Negative8(p) | Negative8(p + 32) << 8 | Negative8(p + 64) << 16 | Negative8(p + 96) << 24;
}

void PackFloats(const void* in, size_t rows, size_t cols, void* out) {
  PackFloatRows(in, rows, cols, out, Negative32);
}

void PackBytes(const int8_t* in, size_t rows, size_t cols, int below, void* out) {
  const bool all = below > 127;
  const __m256i limit = _mm256_set1_epi8(static_cast<char>(below < -128 ? -128 : below));
  const auto word = [=](size_t at) {
    const int less = _mm256_movemask_epi8(_mm256_cmpgt_epi8(limit, Load32(in + at)));
    return all ? ~0u : static_cast<uint32_t>(less);
  };
  PackRows(rows, cols, out, word, [=](size_t at) { return in[at] < below; });
}

void UnpackFloats(const void* in, size_t rows, size_t cols, void* out) {
  const __m256i shifts = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
  const __m256i one = _mm256_castps_si256(_mm256_set1_ps(1.0f));
  const __m256i sign = _mm256_set1_epi32(INT32_MIN);
  UnpackFloatRows<8>(in, rows, cols, out, [=](uint32_t word, char* to) {
    const __m256i bits = _mm256_sllv_epi32(_mm256_set1_epi32(static_cast<int>(word)), shifts);
    Store32(to, _mm256_or_si256(_mm256_and_si256(bits, sign), one));
  });
}

void UnpackBytes(const void* in, size_t rows, size_t cols, uint8_t clear, uint8_t set,
                 uint8_t* out) {
  const char* from = static_cast<const char*>(in);
  const __m256i byte_of = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,  //
                                           2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i bit_of = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201ull));
  const __m256i zero = _mm256_set1_epi8(static_cast<char>(clear));
  const __m256i one = _mm256_set1_epi8(static_cast<char>(set));
  for (size_t r = 0; r < rows; ++r) {
    for (size_t left = cols; left > 0; from += 4) {
      const uint32_t word = LoadUnaligned<uint32_t>(from);
      const size_t n = left < 32 ? left : 32;
      const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(word)), byte_of);
      const __m256i is_set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit_of), bit_of);
      const __m256i values = _mm256_blendv_epi8(zero, one, is_set);
      alignas(32) uint8_t part[32];
      Store32(n == 32 ? out : part, values);
      if (n < 32) memcpy(out, part, n);
      out += n;
      left -= n;
    }
  }
}

void AndBytes(const void* from, size_t bytes, void* to) {
  const char* a = static_cast<const char*>(from);
  char* b = static_cast<char*>(to);
  for (; bytes >= 32; bytes -= 32, a += 32, b += 32)
    Store32(b, _mm256_and_si256(Load32(a), Load32(b)));
  for (; bytes > 0; --bytes, ++a, ++b) *b = static_cast<char>(*a & *b);
}

}  // namespace

extern const LceKernels kLceAvx2;
const LceKernels kLceAvx2 = {
    PackFloats,   PackBytes,
    UnpackFloats, UnpackBytes,
    AndBytes,     {Avx2::kBlock, Avx2::kSuper, 4, 1, Avx2::kChunk, 2, 65534, Avx2::kLanes},
    Bconv<Avx2>,  PackAfter<Avx2>,
    ApplyTail};

}  // namespace xncaps
