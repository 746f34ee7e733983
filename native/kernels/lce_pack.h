// Values to bits and bits to floats, row by row, on top of one instruction set's vectors. Each
// row's bits begin a word of 32 of their own; the bits behind its last value are 0.
#ifndef XNCAPS_KERNELS_LCE_PACK_H_
#define XNCAPS_KERNELS_LCE_PACK_H_

#include "kernels/lce_kernels.h"
#include "kernels/memory.h"

namespace xncaps {
namespace {

// word(at): the bits of the 32 values from `at` on; bit(at): whether value `at` is negative.
template <typename Word, typename Bit>
inline void PackRows(size_t rows, size_t cols, void* out, Word word, Bit bit) {
  char* to = static_cast<char*>(out);
  if (cols % 32 == 0) cols *= rows, rows = 1;
  size_t at = 0;
  for (size_t r = 0; r < rows; ++r) {
    size_t left = cols;
    for (; left >= 32; left -= 32, at += 32, to += 4) {
      const uint32_t bits = word(at);
      memcpy(to, &bits, 4);
    }
    if (left == 0) continue;
    uint32_t bits = 0;
    for (size_t i = 0; i < left; ++i) bits |= static_cast<uint32_t>(bit(at++)) << i;
    memcpy(to, &bits, 4);
    to += 4;
  }
}

// word(p): the bits of the 32 floats at p, of any alignment.
template <typename Word>
inline void PackFloatRows(const void* in, size_t rows, size_t cols, void* out, Word word) {
  const char* from = static_cast<const char*>(in);
  PackRows(
      rows, cols, out, [=](size_t at) { return word(from + at * 4); },
      [=](size_t at) { return LoadUnaligned<float>(from, at) <= kLargestNegative; });
}

// signs(word, to): +1 or -1 for each of the lowest kStep bits of the word.
template <int kStep, typename Signs>
inline void UnpackFloatRows(const void* in, size_t rows, size_t cols, void* out, Signs signs) {
  const char* from = static_cast<const char*>(in);
  char* to = static_cast<char*>(out);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t left = cols; left > 0; from += 4) {
      uint32_t word = LoadUnaligned<uint32_t>(from);
      const size_t n = left < 32 ? left : 32;
      size_t i = 0;
      for (; i + kStep <= n; i += kStep, word >>= kStep, to += kStep * 4) signs(word, to);
      for (; i < n; ++i, word >>= 1, to += 4) {
        const float value = word & 1 ? -1.0f : 1.0f;
        memcpy(to, &value, 4);
      }
      left -= n;
    }
  }
}

}  // namespace
}  // namespace xncaps

#endif  // XNCAPS_KERNELS_LCE_PACK_H_
