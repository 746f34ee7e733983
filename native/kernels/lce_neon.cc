// larq-compute-engine's ops with NEON: 16 output channels in a vector, eight bits of each a step,
// xor and cnt.
#include <arm_neon.h>

#include "kernels/lce_bconv.h"
#include "kernels/lce_pack.h"
#include "kernels/lce_tail.h"

namespace xncaps {
namespace {

// Bit i is lane i's, of bytes that are all ones or zero.
inline uint32_t Mask16(uint8x16_t lanes) {
  const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t sums = vandq_u8(lanes, bits);
  for (int i = 0; i < 3; ++i) sums = vpaddq_u8(sums, sums);
  return vgetq_lane_u16(vreinterpretq_u16_u8(sums), 0);
}

// What the binary convolution (lce_bconv.h) is a template over.
struct Neon {
  typedef uint8_t Code;
  typedef uint16_t Count;
  static constexpr int kBlock = 16, kSuper = 4, kWide = 4, kCodesOfWord = 4;
  static constexpr int kChunk = 28;  // 31 counts of up to 8 fit in a byte; words have 4
  static constexpr uint8_t kLanes[kBlock] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  static void ExpandWords(const char* from, size_t words, Code* to) { memcpy(to, from, words * 4); }

  template <int kPixels, int kBlocks>
  static inline __attribute__((always_inline)) void Step(const Code* const* pixels, ptrdiff_t i,
                                                         const Code* filter,
                                                         uint8x16_t (*sums)[kBlocks]) {
    uint8x16_t w[kBlocks];
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) w[b] = vld1q_u8(filter + b * kBlock);
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
      const uint8x16_t x = vld1q_dup_u8(pixels[p] + i);
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b)
        sums[p][b] = vaddq_u8(sums[p][b], vcntq_u8(veorq_u8(x, w[b])));
    }
  }

  template <int kPixels, int kBlocks>
  static void Accumulate(const Code* const* pixels, const BconvSegment* segments, int count,
                         const Code* filter, Count* counts, bool first) {
    uint8x16_t sums[kPixels][kBlocks];
    const Code* at[kPixels];
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
      at[p] = pixels[p];
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) sums[p][b] = vdupq_n_u8(0);
    }
    for (int s = 0; s < count; ++s) {
      const ptrdiff_t end = static_cast<ptrdiff_t>(segments[s].offset) + segments[s].length;
      for (ptrdiff_t i = segments[s].offset; i < end; i += kCodesOfWord) {
#pragma GCC unroll 4
        for (int k = 0; k < kCodesOfWord; ++k, filter += kBlocks * kBlock)
          Step<kPixels, kBlocks>(at, i + k, filter, sums);
      }
    }
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) {
        Count* to = counts + (p * kSuper + b) * kBlock;
        uint16x8_t low = vmovl_u8(vget_low_u8(sums[p][b]));
        uint16x8_t high = vmovl_high_u8(sums[p][b]);
        if (!first) {
          low = vaddq_u16(low, vld1q_u16(to));
          high = vaddq_u16(high, vld1q_u16(to + 8));
        }
        vst1q_u16(to, low);
        vst1q_u16(to + 8, high);
      }
    }
  }

  static int32x4_t Counts4(const Count* counts) {
    return vreinterpretq_s32_u32(vmovl_u16(vld1_u16(counts)));
  }

  static uint32_t BitBlock(const Count* counts, const BconvView& v, size_t at) {
    const uint16x8_t low = vcgeq_u16(vld1q_u16(counts), vld1q_u16(v.least + at));
    const uint16x8_t high = vcgeq_u16(vld1q_u16(counts + 8), vld1q_u16(v.least + at + 8));
    return Mask16(vuzp1q_u8(vreinterpretq_u8_u16(low), vreinterpretq_u8_u16(high)));
  }

  typedef float32x4_t Floats;
  static constexpr int kFloats = 4;

  static float32x4_t Transformed(const Count* counts, const BconvView& v, size_t at) {
    int32x4_t x = vshlq_n_s32(Counts4(counts), 1);
    x = vmaxq_s32(vminq_s32(x, vdupq_n_s32(v.clamp_max)), vdupq_n_s32(v.clamp_min));
    const float32x4_t y = vmulq_f32(vcvtq_f32_s32(x), vld1q_f32(v.multiplier + at));
    return vaddq_f32(Rounded(y), vld1q_f32(v.bias + at));
  }

  static uint32_t Negative(float32x4_t x) {
    const uint32x4_t bits = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcleq_f32(x, vdupq_n_f32(kLargestNegative)), bits));
  }

  // Halves away from zero (fcvtas), as LCE rounds; what is not a number gives -128.
  static int16x4_t Shorts4(const Count* counts, const BconvView& v, size_t at) {
    float32x4_t y = vmaxnmq_f32(Transformed(counts, v, at), vdupq_n_f32(-128.0f));
    y = vminq_f32(y, vdupq_n_f32(127.0f));
    return vmovn_s32(vcvtaq_s32_f32(y));
  }

  static void Int8Block(const Count* counts, const BconvView& v, size_t at, int8_t* out) {
    for (int c = 0; c < kBlock; c += 8) {
      const int16x4_t low = Shorts4(counts + c, v, at + c);
      vst1_s8(out + c, vmovn_s16(vcombine_s16(low, Shorts4(counts + c + 4, v, at + c + 4))));
    }
  }
};

inline float32x4_t LoadFloats(const char* p) {
  return vreinterpretq_f32_u8(vld1q_u8(reinterpret_cast<const uint8_t*>(p)));
}

inline uint32_t Negative16(const char* p) {
  const float32x4_t limit = vdupq_n_f32(kLargestNegative);
  const uint16x8_t low = vcombine_u16(vmovn_u32(vcleq_f32(LoadFloats(p), limit)),
                                      vmovn_u32(vcleq_f32(LoadFloats(p + 16), limit)));
  const uint16x8_t high = vcombine_u16(vmovn_u32(vcleq_f32(LoadFloats(p + 32), limit)),
                                       vmovn_u32(vcleq_f32(LoadFloats(p + 48), limit)));
  return Mask16(vcombine_u8(vmovn_u16(low), vmovn_u16(high)));
}

inline uint32_t Negative32(const char* p) { return Negative16(p) | Negative16(p + 64) << 16; }

void PackFloats(const void* in, size_t rows, size_t cols, void* out) {
  PackFloatRows(in, rows, cols, out, Negative32);
}

void PackBytes(const int8_t* in, size_t rows, size_t cols, int below, void* out) {
  const bool all = below > 127;
  const int8x16_t limit = vdupq_n_s8(static_cast<int8_t>(below < -128 ? -128 : below));
  const auto word = [=](size_t at) {
    const uint32_t less = Mask16(vcltq_s8(vld1q_s8(in + at), limit)) |
                          Mask16(vcltq_s8(vld1q_s8(in + at + 16), limit)) << 16;
    return all ? ~0u : less;
  };
  PackRows(rows, cols, out, word, [=](size_t at) { return in[at] < below; });
}

void UnpackFloats(const void* in, size_t rows, size_t cols, void* out) {
  const int32x4_t shifts = {31, 30, 29, 28};
  const uint32x4_t one = vreinterpretq_u32_f32(vdupq_n_f32(1.0f));
  const uint32x4_t sign = vdupq_n_u32(0x80000000u);
  UnpackFloatRows<4>(in, rows, cols, out, [=](uint32_t word, char* to) {
    const uint32x4_t bits = vandq_u32(vshlq_u32(vdupq_n_u32(word), shifts), sign);
    vst1q_u8(reinterpret_cast<uint8_t*>(to), vreinterpretq_u8_u32(vorrq_u32(bits, one)));
  });
}

void UnpackBytes(const void* in, size_t rows, size_t cols, uint8_t clear, uint8_t set,
                 uint8_t* out) {
  const uint8_t* from = static_cast<const uint8_t*>(in);
  const uint8x8_t bit_of = {1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x8_t zero = vdup_n_u8(clear), one = vdup_n_u8(set);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t left = cols, byte = 0; left > 0; ++byte) {
      const uint8x8_t values = vbsl_u8(vtst_u8(vdup_n_u8(from[byte]), bit_of), one, zero);
      const size_t n = left < 8 ? left : 8;
      uint8_t part[8];
      vst1_u8(n == 8 ? out : part, values);
      if (n < 8) memcpy(out, part, n);
      out += n;
      left -= n;
    }
    from += (cols + 31) / 32 * 4;
  }
}

void AndBytes(const void* from, size_t bytes, void* to) {
  const uint8_t* a = static_cast<const uint8_t*>(from);
  uint8_t* b = static_cast<uint8_t*>(to);
  for (; bytes >= 16; bytes -= 16, a += 16, b += 16)
    vst1q_u8(b, vandq_u8(vld1q_u8(a), vld1q_u8(b)));
  for (; bytes > 0; --bytes, ++a, ++b) *b = static_cast<uint8_t>(*a & *b);
}

}  // namespace

extern const LceKernels kLceNeon;
const LceKernels kLceNeon = {
    PackFloats,   PackBytes,
    UnpackFloats, UnpackBytes,
    AndBytes,     {Neon::kBlock, Neon::kSuper, 8, 1, Neon::kChunk, 2, 65534, Neon::kLanes},
    Bconv<Neon>,  PackAfter<Neon>,
    ApplyTail};

}  // namespace xncaps
