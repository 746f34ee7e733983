// What the files of one instruction set each know of larq-compute-engine's ops: plain structs, no
// inline functions (one compiled for AVX2 could be the copy that the linker keeps for everyone).
//
// A bit is 1 where a value is negative, so the product of two signs is their xor and a convolution
// counts ones. Bits lie in words of 32 along the channels, the last word filled up with zeros.
//
// The convolution keeps output channels in the lanes: no horizontal sum, and what it writes lies
// side by side. A lane takes one `code` of its channel's filter a step: 4 or 8 bits in a byte, or a
// whole word. `block` channels fill a vector, `super` blocks are done together.
#ifndef XNCAPS_KERNELS_LCE_KERNELS_H_
#define XNCAPS_KERNELS_LCE_KERNELS_H_

#include <stddef.h>
#include <stdint.h>

namespace xncaps {

enum class LceOutput { kFloat, kInt8, kBits };

// The largest float that packs as a 1. TFLite runs LCE's ops with denormals taken for zero, and
// zero is positive; the host's mode does not matter this way.
constexpr float kLargestNegative = -1.17549435e-38f;

constexpr int kTilePixels = 32;  // output pixels whose counts are kept at once

// Codes that lie side by side in the padded rows: where, from the pixel's first one, and how many.
struct BconvSegment {
  int offset, length;
};

// How one instruction set wants the filter packed.
struct BconvLayout {
  int block;             // channels in a vector
  int super;             // blocks done together
  int code_bits;         // 4, 8 or 32
  int code_bytes;        // in the padded rows and in the filter
  int chunk;             // codes until the lanes of a vector could overflow, a multiple of a word's
  int count_bytes;       // of one lane's count in memory: 2 or 4
  int max_bits;          // largest number of bits under one filter
  const uint8_t* lanes;  // [block]: the channel in each lane of the filter
};

// One layer at one input size. All arrays of ours are aligned to 64 bytes.
struct BconvView {
  LceOutput output;
  bool zero_padding;  // what lies outside counts as 0, not as +1
  int in_h, in_w, in_words;
  int out_h, out_w, out_c, out_words;
  int filter_h, filter_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  int groups, group_c;  // group_c: output channels of one group
  int group_codes;      // codes of one group's channels at one pixel
  int group_blocks;     // blocks of channels of one group, the last one filled up
  int filter_codes;     // codes under one filter
  int row_pixels;       // of a padded row
  int pixel_codes, row_codes;

  const void* filter;  // [groups][supers][filter_codes][blocks of the super][block] codes
  const BconvSegment* segments;
  const int* chunks;  // [chunk_count + 1]: where each chunk's segments begin
  int chunk_count;

  // [groups][group_blocks * block] each
  const float* multiplier;
  const float* bias;
  const int32_t* thresholds;  // a bit is 1 where the count is larger
  const uint16_t* least;      // the same: where it is at least this; 65535: never
  int clamp_min, clamp_max;   // of twice the count

  // zero_padding: sums of the filter's signs over taps [0, fy) x [0, fx): [filter_h + 1]
  // [filter_w + 1][out_c]. An odd number of channels has no half of it: then floats are corrected
  // at the end by what a sign is worth, [out_c], else null.
  const int32_t* tap_sums;
  const float* tap_worth;
};

// What is done to the floats of a convolution before they leave the registers.
enum class TailOp { kAdd, kMul, kMin, kMax, kClamp };
struct TailStep {
  TailOp op;
  bool per_channel;  // operand: [cols]; else all of the output's tensor, null for kClamp
  const float* operand;
  float low, high;  // kClamp
};

constexpr size_t kTailBlock = 32;  // operands of channels are readable so much behind their end

// What follows a convolution of floats: steps, then signs of the results as LceQuantize packs them.
struct TailView {
  const TailStep* steps;
  int count;
  size_t first;  // the batch's pixel that the item begins with
  char* bits;    // words [out_words] of each pixel of the batch; null: none
};

struct BconvScratch {
  void* rows;    // codes of the padded rows of one strip
  void* counts;  // [kTilePixels][super * block]
};

struct LceKernels {
  // Signs of rows [rows, cols] to bits [rows, ceil(cols / 32)]; any alignment.
  void (*pack_floats)(const void* in, size_t rows, size_t cols, void* out);
  // A bit is 1 where the byte is less than `below`, which may be any integer.
  void (*pack_bytes)(const int8_t* in, size_t rows, size_t cols, int below, void* out);
  // Bits [rows, ceil(cols / 32)] to values [rows, cols]: `clear` for 0, `set` for 1.
  void (*unpack_floats)(const void* in, size_t rows, size_t cols, void* out);
  void (*unpack_bytes)(const void* in, size_t rows, size_t cols, uint8_t clear, uint8_t set,
                       uint8_t* out);
  // to[i] &= from[i] for `bytes` bytes.
  void (*and_bytes)(const void* from, size_t bytes, void* to);

  BconvLayout layout;
  // Output rows [begin, end) of one batch item: the padded rows they need go to scratch.rows.
  void (*bconv)(const BconvView& view, const TailView& tail, const BconvScratch& scratch,
                const void* input, void* output, int begin, int end);
  // Signs of rows [begin, end) of floats [rows, cols] after the tail's steps, to its bits.
  void (*pack_after)(const TailView& tail, const float* in, size_t begin, size_t end, size_t cols);
  // Steps on values [rows, cols], the tensor's from value `first` on.
  void (*tail)(const TailStep* steps, int count, float* values, size_t first, size_t rows,
               size_t cols);
};

}  // namespace xncaps

#endif  // XNCAPS_KERNELS_LCE_KERNELS_H_
