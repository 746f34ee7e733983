// Packs a binary convolution's constants for one instruction set.
#include "kernels/lce.h"
#include "kernels/rounded.h"
#include "kernels/sizes.h"

namespace xncaps {

extern const LceKernels kLcePortable;

namespace {

uint32_t CodeOf(uint32_t word, int index, int bits) {
  return bits == 32 ? word : word >> (index * bits) & ((1u << bits) - 1);
}

int Ones(uint32_t word) {
  int count = 0;
  for (; word != 0; word &= word - 1) ++count;
  return count;
}

}  // namespace

Status BconvLayer::Pack(const BconvParams& params, const BconvConstants& constants,
                        const LceKernels* kernels) {
  params_ = params;
  const int words = WordsOf(params.in_c), group_words = words / params.groups;
  Sizes sizes;
  const size_t taps = sizes.Product(params.y.filter, params.x.filter);
  const size_t bits = sizes.Product(taps, group_words, kWordBits);
  if (!sizes.ok() || bits > static_cast<size_t>(kLcePortable.layout.max_bits))
    return Status::kTooLarge;
  // Counts of 16 bits are enough for all but absurd filters.
  const bool fits = bits <= static_cast<size_t>(kernels->layout.max_bits);
  kernels_ = fits ? kernels : &kLcePortable;
  const BconvLayout& layout = kernels_->layout;
  const int codes_of_word = kWordBits / layout.code_bits;

  BconvView& v = view_ = BconvView();
  v.output = params.output;
  v.zero_padding = params.zero_padding;
  v.in_words = words;
  v.out_c = params.out_c;
  v.out_words = WordsOf(params.out_c);
  v.filter_h = params.y.filter, v.filter_w = params.x.filter;
  v.stride_h = params.y.stride, v.stride_w = params.x.stride;
  v.dilation_h = params.y.dilation, v.dilation_w = params.x.dilation;
  v.groups = params.groups;
  v.group_c = params.out_c / params.groups;
  v.group_codes = group_words * codes_of_word;
  v.group_blocks = (v.group_c - 1) / layout.block + 1;
  v.filter_codes = static_cast<int>(taps) * v.group_codes;
  v.pixel_codes = words * codes_of_word;
  Status status = PackFilter(constants.filter);
  if (status == Status::kOk) status = PackTransform(constants);
  if (status == Status::kOk && params.zero_padding) status = PackTapSums(constants);
  return status;
}

// To [groups][supers][codes][blocks of the super][block].
Status BconvLayer::PackFilter(const void* filter) {
  const BconvView& v = view_;
  const BconvLayout& layout = kernels_->layout;
  const int codes_of_word = kWordBits / layout.code_bits;
  const size_t words = static_cast<size_t>(v.filter_codes) / codes_of_word;
  Sizes sizes;
  const size_t channels = sizes.Product(v.groups, v.group_blocks, layout.block);
  const size_t bytes = sizes.Product(channels, v.filter_codes, layout.code_bytes);
  if (!sizes.ok()) return Status::kTooLarge;
  if (!filter_.Reserve(bytes)) return Status::kNoMemory;
  memset(filter_.data(), 0, bytes);
  size_t at = 0;  // the super's first code
  for (int group = 0; group < v.groups; ++group) {
    for (int block = 0; block < v.group_blocks; block += layout.super) {
      const int left = v.group_blocks - block;
      const int lanes = (left < layout.super ? left : layout.super) * layout.block;
      for (int lane = 0; lane < lanes; ++lane) {
        const int channel = block * layout.block + lane / layout.block * layout.block +
                            layout.lanes[lane % layout.block];
        if (channel >= v.group_c) continue;
        const size_t from = (static_cast<size_t>(group) * v.group_c + channel) * words;
        for (size_t k = 0; k < static_cast<size_t>(v.filter_codes); ++k) {
          const uint32_t word = LoadUnaligned<uint32_t>(filter, from + k / codes_of_word);
          const uint32_t code = CodeOf(word, static_cast<int>(k % codes_of_word), layout.code_bits);
          const size_t to = at + k * lanes + lane;
          if (layout.code_bytes == 1)
            filter_.as<uint8_t>()[to] = static_cast<uint8_t>(code);
          else
            filter_.as<uint32_t>()[to] = code;
        }
      }
      at += static_cast<size_t>(v.filter_codes) * lanes;
    }
  }
  view_.filter = filter_.data();
  return Status::kOk;
}

// What LCE makes of a count: the sum of signs is bits - 2 * count; clamp it, multiply, add.
Status BconvLayer::PackTransform(const BconvConstants& constants) {
  BconvView& v = view_;
  const int block = kernels_->layout.block;
  const size_t lanes = static_cast<size_t>(v.groups) * v.group_blocks * block;
  if (!multiplier_.Reserve(lanes * 4) || !bias_.Reserve(lanes * 4) ||
      !thresholds_.Reserve(lanes * 4) || !least_.Reserve(lanes * 2)) {
    return Status::kNoMemory;
  }
  v.multiplier = multiplier_.as<float>();
  v.bias = bias_.as<float>();
  v.thresholds = thresholds_.as<int32_t>();
  v.least = least_.as<uint16_t>();
  const int bits = v.filter_h * v.filter_w * (params_.in_c / params_.groups);
  int low = INT32_MIN, high = INT32_MAX;
  if (params_.activation == LceActivation::kReluN1To1) low = -1, high = 1;
  if (params_.activation == LceActivation::kRelu) low = 0;
  if (params_.activation == LceActivation::kRelu6) low = 0, high = 6;
  v.clamp_min = bits - (high < bits ? high : bits);
  v.clamp_max = bits - (low > -bits ? low : -bits);
  for (int c = 0; c < v.out_c; ++c) {
    const size_t at = static_cast<size_t>(c / v.group_c) * v.group_blocks * block + c % v.group_c;
    if (params_.output == LceOutput::kBits) {
      const int32_t threshold = LoadUnaligned<int32_t>(constants.thresholds, c);
      thresholds_.as<int32_t>()[at] = threshold;
      const int32_t least = threshold < 0 ? 0 : threshold > 65534 ? 65535 : threshold + 1;
      least_.as<uint16_t>()[at] = static_cast<uint16_t>(least);
      continue;
    }
    const double worth = static_cast<double>(LoadUnaligned<float>(constants.multiplier, c));
    const double bias = static_cast<double>(LoadUnaligned<float>(constants.bias, c));
    const double shift = Rounded((bias + Rounded(bits * worth)) / params_.scale);
    multiplier_.as<float>()[at] = static_cast<float>(-worth / params_.scale);
    bias_.as<float>()[at] = static_cast<float>(shift + params_.zero_point);
  }
  return Status::kOk;
}

// Sums of the filter's signs over the taps above and left of each corner.
Status BconvLayer::PackTapSums(const BconvConstants& constants) {
  BconvView& v = view_;
  const size_t channels = static_cast<size_t>(v.out_c);
  const size_t row = (static_cast<size_t>(v.filter_w) + 1) * channels;
  Sizes sizes;
  const size_t count = sizes.Product(static_cast<size_t>(v.filter_h) + 1,
                                     static_cast<size_t>(v.filter_w) + 1, channels);
  if (!sizes.ok()) return Status::kTooLarge;
  if (!tap_sums_.Reserve(count * 4) || !tap_worth_.Reserve(channels * 4)) return Status::kNoMemory;
  int32_t* sums = tap_sums_.as<int32_t>();
  memset(sums, 0, count * 4);
  const size_t words = static_cast<size_t>(v.in_words) / v.groups;
  const int in_c = params_.in_c / params_.groups;
  for (size_t c = 0; c < channels; ++c) {
    if (in_c % 2 != 0) tap_worth_.as<float>()[c] = LoadUnaligned<float>(constants.multiplier, c);
    for (int y = 0; y < v.filter_h; ++y) {
      for (int x = 0; x < v.filter_w; ++x) {
        int sum = in_c;
        const size_t from = ((c * v.filter_h + y) * v.filter_w + x) * words;
        for (size_t w = 0; w < words; ++w)
          sum -= 2 * Ones(LoadUnaligned<uint32_t>(constants.filter, from + w));
        const size_t at = static_cast<size_t>(y) * row + static_cast<size_t>(x) * channels + c;
        sums[at + row + channels] = sum + sums[at + row] + sums[at + channels] - sums[at];
      }
    }
  }
  v.tap_sums = sums;
  v.tap_worth = in_c % 2 != 0 ? tap_worth_.as<float>() : nullptr;
  return Status::kOk;
}

}  // namespace xncaps
