// larq-compute-engine's ops in plain C++: eight output channels side by side, a word of 32 bits a
// step. Loops over them become vectors where the compiler can. It also does the filters that are
// too large for the counts of the others.
#include "kernels/lce_bconv.h"
#include "kernels/lce_pack.h"
#include "kernels/lce_tail.h"

namespace xncaps {
namespace {

inline uint32_t Ones(uint32_t x) {
  x = x - ((x >> 1) & 0x55555555u);
  x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
  x = (x + (x >> 4)) & 0x0f0f0f0fu;
  x = x + (x >> 8);
  return (x + (x >> 16)) & 63;
}

// What the binary convolution (lce_bconv.h) is a template over.
struct Portable {
  typedef uint32_t Code;
  typedef uint32_t Count;
  static constexpr int kBlock = 8, kSuper = 1, kWide = 1;
  static constexpr uint8_t kLanes[kBlock] = {0, 1, 2, 3, 4, 5, 6, 7};

  static void ExpandWords(const char* from, size_t words, Code* to) { memcpy(to, from, words * 4); }

  template <int kPixels, int kBlocks>
  static void Accumulate(const Code* const* pixels, const BconvSegment* segments, int count,
                         const Code* filter, Count* counts, bool first) {
    Count sums[kPixels][kBlock] = {};
    for (int s = 0; s < count; ++s) {
      for (int i = 0; i < segments[s].length; ++i, filter += kBlock) {
        for (int p = 0; p < kPixels; ++p) {
          const uint32_t x = pixels[p][segments[s].offset + i];
          for (int c = 0; c < kBlock; ++c) sums[p][c] += Ones(x ^ filter[c]);
        }
      }
    }
    for (int p = 0; p < kPixels; ++p) {
      for (int c = 0; c < kBlock; ++c) {
        Count* to = counts + p * kBlock * kSuper + c;
        *to = first ? sums[p][c] : *to + sums[p][c];
      }
    }
  }

  static uint32_t BitBlock(const Count* counts, const BconvView& v, size_t at) {
    uint32_t bits = 0;
    for (int c = 0; c < kBlock; ++c)
      bits |= static_cast<uint32_t>(static_cast<int32_t>(counts[c]) > v.thresholds[at + c]) << c;
    return bits;
  }

  typedef float Floats;
  static constexpr int kFloats = 1;

  static float Transformed(const Count* count, const BconvView& v, size_t at) {
    int32_t x = static_cast<int32_t>(*count) << 1;
    x = x < v.clamp_max ? x : v.clamp_max;
    x = x > v.clamp_min ? x : v.clamp_min;
    return Rounded(static_cast<float>(x) * v.multiplier[at]) + v.bias[at];
  }

  static uint32_t Negative(float x) { return x <= kLargestNegative; }

  // Halves away from zero, as LCE rounds; what is not a number gives -128.
  static void Int8Block(const Count* counts, const BconvView& v, size_t at, int8_t* out) {
    for (int c = 0; c < kBlock; ++c) {
      float y = Transformed(counts + c, v, at + c);
      y = y > -128.0f ? y : -128.0f;
      y = y < 127.0f ? y : 127.0f;
      const float half = y < 0 ? -0.49999997f : 0.49999997f;
      out[c] = static_cast<int8_t>(static_cast<int>(y + half));
    }
  }
};

// 32 bits of bit(i), one by one.
template <typename Bit>
inline uint32_t WordOf(Bit bit) {
  uint32_t word = 0;
  for (size_t i = 0; i < 32; ++i) word |= static_cast<uint32_t>(bit(i)) << i;
  return word;
}

void PackFloats(const void* in, size_t rows, size_t cols, void* out) {
  PackFloatRows(in, rows, cols, out, [](const char* p) {
    return WordOf([p](size_t i) { return LoadUnaligned<float>(p, i) <= kLargestNegative; });
  });
}

void PackBytes(const int8_t* in, size_t rows, size_t cols, int below, void* out) {
  const auto bit = [=](size_t at) { return in[at] < below; };
  const auto word = [=](size_t at) { return WordOf([=](size_t i) { return bit(at + i); }); };
  PackRows(rows, cols, out, word, bit);
}

void UnpackFloats(const void* in, size_t rows, size_t cols, void* out) {
  UnpackFloatRows<1>(in, rows, cols, out, [](uint32_t word, char* to) {
    const float value = word & 1 ? -1.0f : 1.0f;
    memcpy(to, &value, 4);
  });
}

void UnpackBytes(const void* in, size_t rows, size_t cols, uint8_t clear, uint8_t set,
                 uint8_t* out) {
  const size_t words = (cols + 31) / 32;
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < cols; ++c) {
      const uint32_t word = LoadUnaligned<uint32_t>(in, r * words + c / 32);
      *out++ = (word >> (c % 32)) & 1 ? set : clear;
    }
  }
}

void AndBytes(const void* from, size_t bytes, void* to) {
  const uint8_t* a = static_cast<const uint8_t*>(from);
  uint8_t* b = static_cast<uint8_t*>(to);
  for (size_t i = 0; i < bytes; ++i) b[i] = static_cast<uint8_t>(a[i] & b[i]);
}

}  // namespace

extern const LceKernels kLcePortable;
const LceKernels kLcePortable = {
    PackFloats,
    PackBytes,
    UnpackFloats,
    UnpackBytes,
    AndBytes,
    {Portable::kBlock, Portable::kSuper, 32, 4, 1 << 20, 4, 1 << 29, Portable::kLanes},
    Bconv<Portable>,
    PackAfter<Portable>,
    ApplyTail};

}  // namespace xncaps
