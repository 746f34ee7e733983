// The binary convolution as templates over one instruction set's vectors, a struct T with
//   Code, Count            a code in the padded rows; a lane's count in memory
//   kBlock, kSuper
//   ExpandWords(from, words, to)            words of bits to codes
//   Accumulate<kPixels, kBlocks>(pixels, segments, count, filter, counts, first)
//                                           counts [kPixels][kSuper * kBlock] = or += one chunk
//   FloatBlock, Int8Block(counts, view, at, out), BitBlock(counts, view, at) -> bits
//                                           one block of one pixel; `at` indexes view.multiplier...
// in an unnamed namespace of the one file that is compiled for this instruction set: so nothing of
// these templates is ever shared with code for another one.
#ifndef XNCAPS_KERNELS_LCE_BCONV_H_
#define XNCAPS_KERNELS_LCE_BCONV_H_

#include "kernels/lce_kernels.h"
#include "kernels/memory.h"
#include "kernels/rounded.h"

namespace xncaps {
namespace {

template <typename T>
constexpr int kSuperLanes = T::kSuper* T::kBlock;

// Rows [first, first + count) of the input, which may lie outside, with padding on both sides.
template <typename T>
void ExpandRows(const BconvView& v, const char* input, int64_t first, int count,
                typename T::Code* codes) {
  typedef typename T::Code Code;
  const size_t left = static_cast<size_t>(v.pad_left < v.row_pixels ? v.pad_left : v.row_pixels);
  size_t inside = static_cast<size_t>(v.row_pixels) - left;
  if (inside > static_cast<size_t>(v.in_w)) inside = static_cast<size_t>(v.in_w);
  const size_t right = static_cast<size_t>(v.row_pixels) - left - inside;
  const size_t pixel = static_cast<size_t>(v.pixel_codes);
  for (int i = 0; i < count; ++i, codes += v.row_codes) {
    const int64_t y = first + i;
    if (y < 0 || y >= v.in_h) {
      memset(codes, 0, static_cast<size_t>(v.row_codes) * sizeof(Code));
      continue;
    }
    memset(codes, 0, left * pixel * sizeof(Code));
    T::ExpandWords(input + static_cast<size_t>(y) * v.in_w * v.in_words * 4, inside * v.in_words,
                   codes + left * pixel);
    memset(codes + (left + inside) * pixel, 0, right * pixel * sizeof(Code));
  }
}

// Counts of a tile's pixels for kBlocks blocks, `kPixels` pixels at a time. Chunk by chunk over the
// whole tile: a chunk of the filter stays in the first cache.
template <typename T, int kPixels, int kBlocks>
void CountTile(const BconvView& v, const typename T::Code* const* pixels, int count,
               const typename T::Code* filter, typename T::Count* counts) {
  size_t done = 0;  // codes
  for (int chunk = 0; chunk < v.chunk_count; ++chunk) {
    const BconvSegment* segments = v.segments + v.chunks[chunk];
    const int n = v.chunks[chunk + 1] - v.chunks[chunk];
    const typename T::Code* part = filter + done * kBlocks * T::kBlock;
    int p = 0;
    for (; p + kPixels <= count; p += kPixels) {
      T::template Accumulate<kPixels, kBlocks>(pixels + p, segments, n, part,
                                               counts + p * kSuperLanes<T>, chunk == 0);
    }
    for (; p < count; ++p) {
      T::template Accumulate<1, kBlocks>(pixels + p, segments, n, part, counts + p * kSuperLanes<T>,
                                         chunk == 0);
    }
    for (int i = 0; i < n; ++i) done += static_cast<size_t>(segments[i].length);
  }
}

template <typename T>
void CountBlocks(const BconvView& v, const typename T::Code* const* pixels, int count, int blocks,
                 const typename T::Code* filter, typename T::Count* counts) {
  if constexpr (T::kSuper == 4) {
    if (blocks == 4) return CountTile<T, 2, 4>(v, pixels, count, filter, counts);
    if (blocks == 3) return CountTile<T, 2, 3>(v, pixels, count, filter, counts);
    if (blocks == 2) return CountTile<T, 4, 2>(v, pixels, count, filter, counts);
  }
  CountTile<T, 4, 1>(v, pixels, count, filter, counts);
}

// Taps [*begin, *end) of an axis lie inside of the input.
void InsideTaps(int64_t origin, int in, int filter, int dilation, int* begin, int* end) {
  const int64_t first = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
  const int64_t last = (in - origin + dilation - 1) / dilation;
  *end = static_cast<int>(last < filter ? last : filter);
  *begin = static_cast<int>(first < *end ? first : *end);
}

// Sums of the filter's signs over the taps that lie outside of the input, [kBlock], 0 behind
// `count` channels. False: all taps lie inside.
template <int kBlock>
bool OutsideSums(const BconvView& v, int oy, int ox, int channel, int count, int32_t* out) {
  int y0, y1, x0, x1;
  InsideTaps(static_cast<int64_t>(oy) * v.stride_h - v.pad_top, v.in_h, v.filter_h, v.dilation_h,
             &y0, &y1);
  InsideTaps(static_cast<int64_t>(ox) * v.stride_w - v.pad_left, v.in_w, v.filter_w, v.dilation_w,
             &x0, &x1);
  if (y0 == 0 && x0 == 0 && y1 == v.filter_h && x1 == v.filter_w) return false;
  const size_t row = (static_cast<size_t>(v.filter_w) + 1) * v.out_c;
  const int32_t* sums = v.tap_sums + channel;
  const int32_t *all = sums + v.filter_h * row + static_cast<size_t>(v.filter_w) * v.out_c,
                *low = sums + static_cast<size_t>(y0) * row,
                *high = sums + static_cast<size_t>(y1) * row;
  const size_t from = static_cast<size_t>(x0) * v.out_c, to = static_cast<size_t>(x1) * v.out_c;
  for (int c = 0; c < count; ++c) {
    const int32_t inside = high[to + c] - low[to + c] - high[from + c] + low[from + c];
    out[c] = all[c] - inside;
  }
  for (int c = count; c < kBlock; ++c) out[c] = 0;
  return true;
}

// `bits`, less than 2^count, to position `at` of a pixel's words.
void OrBits(char* words, int at, uint32_t bits, int count) {
  char* first = words + static_cast<size_t>(at) / 32 * 4;
  const int shift = at % 32;
  uint32_t word = LoadUnaligned<uint32_t>(first) | bits << shift;
  memcpy(first, &word, 4);
  if (shift + count <= 32) return;
  word = LoadUnaligned<uint32_t>(first + 4) | bits >> (32 - shift);
  memcpy(first + 4, &word, 4);
}

// One block of one pixel to its place in the output.
template <typename T, LceOutput kOutput>
void WriteBlock(const BconvView& v, const typename T::Count* counts, int oy, int ox, int group,
                int block, char* pixel) {
  typedef typename T::Count Count;
  constexpr int kBlock = T::kBlock;
  const int in_group = block * kBlock;
  const size_t at = (static_cast<size_t>(group) * v.group_blocks + block) * kBlock;
  const int channel = group * v.group_c + in_group;
  const int count = v.group_c - in_group < kBlock ? v.group_c - in_group : kBlock;
  // Outside counted as +1, as `ones` of the filter's signs; half of all would be 0.
  alignas(64) int32_t outside[kBlock];
  alignas(64) Count corrected[kBlock];
  const bool border = v.zero_padding && OutsideSums<kBlock>(v, oy, ox, channel, count, outside);
  if (border && v.tap_worth == nullptr) {
    for (int c = 0; c < kBlock; ++c)
      corrected[c] = static_cast<Count>(static_cast<int32_t>(counts[c]) + outside[c] / 2);
    counts = corrected;
  }
  if (kOutput == LceOutput::kBits) {
    uint32_t bits = T::BitBlock(counts, v, at);
    if (count < 32) bits &= (1u << count) - 1;
    return OrBits(pixel, channel, bits, count);
  }
  constexpr size_t kWidth = kOutput == LceOutput::kFloat ? 4 : 1;
  char* out = pixel + static_cast<size_t>(channel) * kWidth;
  alignas(64) char part[kBlock * kWidth];
  char* to = count == kBlock ? out : part;
  if (kOutput == LceOutput::kFloat)
    T::FloatBlock(counts, v, at, reinterpret_cast<float*>(to));
  else
    T::Int8Block(counts, v, at, reinterpret_cast<int8_t*>(to));
  if (to == part) memcpy(out, part, static_cast<size_t>(count) * kWidth);
  if (kOutput == LceOutput::kFloat && border && v.tap_worth != nullptr) {
    float* floats = reinterpret_cast<float*>(out);
    for (int c = 0; c < count; ++c)
      floats[c] += Rounded(-v.tap_worth[channel + c] * static_cast<float>(outside[c]));
  }
}

struct Pixel {
  int y, x;
};

template <typename T, LceOutput kOutput>
void Strip(const BconvView& v, const BconvScratch& scratch, const void* input, void* output,
           int begin, int end) {
  typedef typename T::Code Code;
  typedef typename T::Count Count;
  constexpr int kBlock = T::kBlock, kSuper = T::kSuper;
  Code* codes = static_cast<Code*>(scratch.rows);
  const int64_t first = static_cast<int64_t>(begin) * v.stride_h - v.pad_top;
  const int rows = (end - begin - 1) * v.stride_h + (v.filter_h - 1) * v.dilation_h + 1;
  ExpandRows<T>(v, static_cast<const char*>(input), first, rows, codes);

  constexpr size_t kWidth = kOutput == LceOutput::kInt8 ? 1 : 4;
  const size_t depth = kOutput == LceOutput::kBits ? v.out_words : v.out_c;
  char* out = static_cast<char*>(output) + static_cast<size_t>(begin) * v.out_w * depth * kWidth;
  const size_t total = static_cast<size_t>(end - begin) * v.out_w;
  if (kOutput == LceOutput::kBits) memset(out, 0, total * depth * kWidth);

  Pixel tile[kTilePixels];
  const Code *at[kTilePixels], *in_group[kTilePixels];
  Pixel next = {0, 0};
  for (size_t done = 0; done < total; done += kTilePixels) {
    const int count = static_cast<int>(total - done < kTilePixels ? total - done : kTilePixels);
    for (int p = 0; p < count; ++p) {
      tile[p] = next;
      at[p] = codes + static_cast<size_t>(next.y) * v.stride_h * v.row_codes +
              static_cast<size_t>(next.x) * v.stride_w * v.pixel_codes;
      if (++next.x == v.out_w) next = {next.y + 1, 0};
    }
    Count* counts = static_cast<Count*>(scratch.counts);
    const Code* filter = static_cast<const Code*>(v.filter);
    for (int group = 0; group < v.groups; ++group) {
      for (int p = 0; p < count; ++p)
        in_group[p] = at[p] + static_cast<size_t>(group) * v.group_codes;
      for (int block = 0; block < v.group_blocks; block += kSuper) {
        const int blocks = v.group_blocks - block < kSuper ? v.group_blocks - block : kSuper;
        CountBlocks<T>(v, in_group, count, blocks, filter, counts);
        filter += static_cast<size_t>(v.filter_codes) * blocks * kBlock;
        for (int p = 0; p < count; ++p) {
          for (int b = 0; b < blocks; ++b) {
            WriteBlock<T, kOutput>(v, counts + p * kSuperLanes<T> + b * kBlock, begin + tile[p].y,
                                   tile[p].x, group, block + b, out + (done + p) * depth * kWidth);
          }
        }
      }
    }
  }
}

template <typename T>
void Bconv(const BconvView& view, const BconvScratch& scratch, const void* input, void* output,
           int begin, int end) {
  if (view.output == LceOutput::kFloat)
    Strip<T, LceOutput::kFloat>(view, scratch, input, output, begin, end);
  else if (view.output == LceOutput::kInt8)
    Strip<T, LceOutput::kInt8>(view, scratch, input, output, begin, end);
  else
    Strip<T, LceOutput::kBits>(view, scratch, input, output, begin, end);
}

}  // namespace
}  // namespace xncaps

#endif  // XNCAPS_KERNELS_LCE_BCONV_H_
