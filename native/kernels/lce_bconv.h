// The binary convolution as templates over one instruction set's vectors, a struct T with
//   Code, Count            a code in the padded rows; a lane's count in memory
//   kBlock, kSuper, kWide                   kWide blocks of floats fit in the registers
//   ExpandWords(from, words, to)            words of bits to codes
//   Accumulate<kPixels, kBlocks>(pixels, segments, count, filter, counts, first)
//                                           counts [kPixels][kSuper * kBlock] = or += one chunk
//   Floats, kFloats                         a vector of floats with operators, and its floats
//   Transformed(counts, view, at)           Floats of counts; `at` indexes view.multiplier...
//   Negative(floats) -> bits                1 where a value packs as one
//   Int8Block(counts, view, at, out), BitBlock(counts, view, at) -> bits
//                                           one block of one pixel
// in an unnamed namespace of the one file that is compiled for this instruction set: so nothing of
// these templates is ever shared with code for another one.
#ifndef XNCAPS_KERNELS_LCE_BCONV_H_
#define XNCAPS_KERNELS_LCE_BCONV_H_

#include "kernels/lce_kernels.h"
#include "kernels/lce_tail.h"
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

// Whether all taps lie inside of the input: no division, for most pixels are so.
bool AllInside(const BconvView& v, int oy, int ox) {
  const int64_t y = static_cast<int64_t>(oy) * v.stride_h - v.pad_top;
  const int64_t x = static_cast<int64_t>(ox) * v.stride_w - v.pad_left;
  return y >= 0 && x >= 0 && y + static_cast<int64_t>(v.filter_h - 1) * v.dilation_h < v.in_h &&
         x + static_cast<int64_t>(v.filter_w - 1) * v.dilation_w < v.in_w;
}

// Sums of the filter's signs over the taps that lie outside of the input, [kBlock], 0 behind
// `count` channels.
template <int kBlock>
void OutsideSums(const BconvView& v, int oy, int ox, int channel, int count, int32_t* out) {
  int y0, y1, x0, x1;
  InsideTaps(static_cast<int64_t>(oy) * v.stride_h - v.pad_top, v.in_h, v.filter_h, v.dilation_h,
             &y0, &y1);
  InsideTaps(static_cast<int64_t>(ox) * v.stride_w - v.pad_left, v.in_w, v.filter_w, v.dilation_w,
             &x0, &x1);
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

// Channels of a pixel, as they are written.
struct Spot {
  int channel, count;      // the first one and how many: whole blocks or less than one
  size_t at;               // in view.multiplier...
  size_t pixel;            // of the batch
  const int32_t* outside;  // OutsideSums, null: none
};

// Steps on floats in registers, then their signs; pixels of `channels` floats.
template <typename T, int kVectors>
inline __attribute__((always_inline)) void FinishFloats(size_t channels, const TailView& tail,
                                                        const Spot& spot, typename T::Floats* y) {
  constexpr int kLanes = kVectors * T::kFloats;
  const bool whole = kLanes > T::kBlock || spot.count >= T::kBlock;
  alignas(64) float part[T::kBlock];
  const size_t channel = static_cast<size_t>(spot.channel);
  const size_t first = spot.pixel * channels + channel;
  const TailStep* end = tail.steps + tail.count;
  for (const TailStep* step = tail.steps; step < end; ++step) {
    const float* x = step->operand;
    if (x != nullptr) x += step->per_channel ? channel : first;
    if (!whole && x != nullptr) {
      memset(part, 0, sizeof part);
      memcpy(part, x, static_cast<size_t>(spot.count) * sizeof(float));
      x = part;
    }
    TailStepOn<typename T::Floats>(*step, y, x, kVectors);
  }
  if (tail.bits == nullptr) return;
  char* words = tail.bits + spot.pixel * ((channels + 31) / 32) * 4;
#pragma GCC unroll 4
  for (int lane = 0; lane < kLanes; lane += T::kBlock) {
    uint32_t bits = 0;
#pragma GCC unroll 8
    for (int i = 0; i < T::kBlock; i += T::kFloats)
      bits |= T::Negative(y[(lane + i) / T::kFloats]) << i;
    if (!whole) bits &= (1u << spot.count) - 1;
    OrBits(words, spot.channel + lane, bits, whole ? T::kBlock : spot.count);
  }
}

// Signs of `kBlocks` blocks of floats after the steps.
template <typename T, int kBlocks>
inline void PackBlocks(const TailView& tail, const float* from, size_t cols, const Spot& spot) {
  constexpr int kVectors = kBlocks * T::kBlock / T::kFloats;
  typename T::Floats y[kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kVectors; ++i) y[i] = LoadFloats<typename T::Floats>(from + i * T::kFloats);
  FinishFloats<T, kVectors>(cols, tail, spot, y);
}

// Signs of rows [begin, end) of floats [rows, cols] after the steps.
template <typename T>
void PackAfter(const TailView& tail, const float* in, size_t begin, size_t end, size_t cols) {
  constexpr size_t kWide = T::kWide * T::kBlock, kOne = T::kBlock;
  const size_t words = (cols + 31) / 32 * 4;
  alignas(64) float part[kOne] = {};
  memset(tail.bits + begin * words, 0, (end - begin) * words);
  Spot spot = {};
  for (spot.pixel = begin; spot.pixel < end; ++spot.pixel) {
    const float* from = in + spot.pixel * cols;
    size_t left = cols, now;
    for (spot.channel = 0; left > 0; spot.channel += static_cast<int>(now), left -= now) {
      now = left >= kWide ? kWide : left >= kOne ? kOne : left;
      spot.count = static_cast<int>(now);
      if (now == kWide) {
        PackBlocks<T, T::kWide>(tail, from + spot.channel, cols, spot);
      } else if (now == kOne) {
        PackBlocks<T, 1>(tail, from + spot.channel, cols, spot);
      } else {
        memcpy(part, from + spot.channel, now * sizeof(float));
        PackBlocks<T, 1>(tail, part, cols, spot);
      }
    }
  }
}

// Whole blocks that lie side by side, without a border; a single block of any kind. Out of line:
// what follows has the registers for itself.
template <typename T, int kBlocks>
__attribute__((noinline)) void WriteFloats(const BconvView& v, const TailView& tail,
                                           const typename T::Count* counts, const Spot& spot,
                                           float* out) {
  typedef typename T::Floats Floats;
  constexpr int kVectors = kBlocks * T::kBlock / T::kFloats;
  alignas(64) float part[T::kBlock];
  Floats y[kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < kVectors; ++i)
    y[i] =
        T::Transformed(counts + i * T::kFloats, v, spot.at + static_cast<size_t>(i * T::kFloats));
  if (kBlocks == 1 && spot.outside != nullptr && v.tap_worth != nullptr) {
    memcpy(part, y, sizeof part);
    for (int c = 0; c < spot.count; ++c) {
      part[c] += Rounded(-v.tap_worth[spot.channel + c] * static_cast<float>(spot.outside[c]));
    }
    memcpy(y, part, sizeof part);
  }
  FinishFloats<T, kVectors>(static_cast<size_t>(v.out_c), tail, spot, y);
  if (spot.count >= T::kBlock) {
#pragma GCC unroll 8
    for (int i = 0; i < kVectors; ++i) StoreFloats<Floats>(out + i * T::kFloats, y[i]);
    return;
  }
  memcpy(part, y, sizeof part);
  memcpy(out, part, static_cast<size_t>(spot.count) * sizeof(float));
}

// One block of one pixel to its place in the output.
template <typename T, LceOutput kOutput>
void WriteBlock(const BconvView& v, const TailView& tail, const typename T::Count* counts,
                const Spot& spot, char* pixel) {
  if (kOutput == LceOutput::kBits) {
    uint32_t bits = T::BitBlock(counts, v, spot.at);
    if (spot.count < 32) bits &= (1u << spot.count) - 1;
    OrBits(pixel, spot.channel, bits, spot.count);
  } else if (kOutput == LceOutput::kFloat) {
    WriteFloats<T, 1>(v, tail, counts, spot, reinterpret_cast<float*>(pixel) + spot.channel);
  } else if (spot.count == T::kBlock) {
    T::Int8Block(counts, v, spot.at, reinterpret_cast<int8_t*>(pixel) + spot.channel);
  } else {
    alignas(64) int8_t part[T::kBlock];
    T::Int8Block(counts, v, spot.at, part);
    memcpy(pixel + spot.channel, part, static_cast<size_t>(spot.count));
  }
}

// The same where taps lie outside of the input.
template <typename T, LceOutput kOutput>
void WriteAtBorder(const BconvView& v, const TailView& tail, const typename T::Count* counts,
                   Spot spot, int oy, int ox, char* pixel) {
  typedef typename T::Count Count;
  constexpr int kBlock = T::kBlock;
  // Outside counted as +1, as `ones` of the filter's signs; half of all would be 0.
  alignas(64) int32_t outside[kBlock];
  alignas(64) Count corrected[kBlock];
  OutsideSums<kBlock>(v, oy, ox, spot.channel, spot.count, outside);
  spot.outside = outside;
  if (v.tap_worth == nullptr) {
    for (int c = 0; c < kBlock; ++c)
      corrected[c] = static_cast<Count>(static_cast<int32_t>(counts[c]) + outside[c] / 2);
    counts = corrected;
  }
  WriteBlock<T, kOutput>(v, tail, counts, spot, pixel);
}

// Blocks [block, block + blocks) of a pixel: as many at once as the registers hold.
template <typename T, LceOutput kOutput>
void WritePixel(const BconvView& v, const TailView& tail, const typename T::Count* counts, int oy,
                int ox, int group, int block, int blocks, char* pixel) {
  constexpr int kBlock = T::kBlock;
  const bool border = v.zero_padding && !AllInside(v, oy, ox);
  int left = v.group_c - block * kBlock;  // channels
  Spot spot;
  spot.at = (static_cast<size_t>(group) * v.group_blocks + block) * kBlock;
  spot.channel = group * v.group_c + block * kBlock;
  spot.pixel = tail.first + static_cast<size_t>(oy) * v.out_w + ox;
  spot.outside = nullptr;
  for (int done = 0; done < blocks;) {
    const bool wide = kOutput == LceOutput::kFloat && T::kWide > 1 && !border &&
                      blocks - done >= T::kWide && left >= T::kWide * kBlock;
    const int lanes = wide ? T::kWide * kBlock : kBlock;
    spot.count = left < lanes ? left : lanes;
    if (wide)
      WriteFloats<T, T::kWide>(v, tail, counts, spot,
                               reinterpret_cast<float*>(pixel) + spot.channel);
    else if (border)
      WriteAtBorder<T, kOutput>(v, tail, counts, spot, oy, ox, pixel);
    else
      WriteBlock<T, kOutput>(v, tail, counts, spot, pixel);
    done += lanes / kBlock, counts += lanes, spot.channel += lanes, left -= lanes;
    spot.at += static_cast<size_t>(lanes);
  }
}

struct Pixel {
  int y, x;
};

template <typename T, LceOutput kOutput>
void Strip(const BconvView& v, const TailView& tail, const BconvScratch& scratch, const void* input,
           void* output, int begin, int end) {
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
  if (kOutput == LceOutput::kFloat && tail.bits != nullptr) {
    const size_t words = static_cast<size_t>(v.out_words) * 4;
    const size_t pixel = tail.first + static_cast<size_t>(begin) * v.out_w;
    memset(tail.bits + pixel * words, 0, total * words);
  }

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
          WritePixel<T, kOutput>(v, tail, counts + p * kSuperLanes<T>, begin + tile[p].y, tile[p].x,
                                 group, block, blocks, out + (done + p) * depth * kWidth);
        }
      }
    }
  }
}

template <typename T>
void Bconv(const BconvView& view, const TailView& tail, const BconvScratch& scratch,
           const void* input, void* output, int begin, int end) {
  if (view.output == LceOutput::kFloat)
    Strip<T, LceOutput::kFloat>(view, tail, scratch, input, output, begin, end);
  else if (view.output == LceOutput::kInt8)
    Strip<T, LceOutput::kInt8>(view, tail, scratch, input, output, begin, end);
  else
    Strip<T, LceOutput::kBits>(view, tail, scratch, input, output, begin, end);
}

}  // namespace
}  // namespace xncaps

#endif  // XNCAPS_KERNELS_LCE_BCONV_H_
