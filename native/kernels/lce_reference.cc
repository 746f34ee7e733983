// The binary convolution as its definition reads: obvious loops over signs, no packing.
#include "kernels/lce.h"
#include "kernels/rounded.h"

namespace xncaps {
namespace {

// +1 or -1 of channel c in words that begin at index `word`.
int SignAt(const void* words, size_t word, int c) {
  const uint32_t bits = LoadUnaligned<uint32_t>(words, word + static_cast<size_t>(c) / 32);
  return bits >> (c % 32) & 1 ? -1 : 1;
}

struct Sums {
  int inside = 0;   // of products where the filter lies on the input
  int outside = 0;  // of the filter's signs elsewhere
};

Sums SumsAt(const BconvParams& p, const void* filter, const char* in, int oy, int ox, int channel) {
  const int words = WordsOf(p.in_c), group_words = words / p.groups, in_c = p.in_c / p.groups;
  const int group = channel / (p.out_c / p.groups);
  Sums sums;
  for (int fy = 0; fy < p.y.filter; ++fy) {
    for (int fx = 0; fx < p.x.filter; ++fx) {
      const int64_t y = int64_t{oy} * p.y.stride - p.y.pad + int64_t{fy} * p.y.dilation;
      const int64_t x = int64_t{ox} * p.x.stride - p.x.pad + int64_t{fx} * p.x.dilation;
      const bool inside = y >= 0 && y < p.y.in && x >= 0 && x < p.x.in;
      const size_t weight =
          ((static_cast<size_t>(channel) * p.y.filter + fy) * p.x.filter + fx) * group_words;
      for (int c = 0; c < in_c; ++c) {
        const int w = SignAt(filter, weight, c);
        if (!inside) {
          sums.outside += w;
          continue;
        }
        const size_t at = static_cast<size_t>(y * p.x.in + x) * words + group * group_words;
        sums.inside += w * SignAt(in, at, c);
      }
    }
  }
  return sums;
}

int Activated(LceActivation activation, int x) {
  switch (activation) {
    case LceActivation::kRelu:
      return x < 0 ? 0 : x;
    case LceActivation::kRelu6:
      return x < 0 ? 0 : x > 6 ? 6 : x;
    case LceActivation::kReluN1To1:
      return x < -1 ? -1 : x > 1 ? 1 : x;
    default:
      return x;
  }
}

int8_t ToInt8(float y) {
  if (!(y > -128.0f)) return -128;
  if (y >= 127.0f) return 127;
  const int whole = static_cast<int>(y);  // towards zero
  const float rest = y - static_cast<float>(whole);
  return static_cast<int8_t>(whole + (rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0));
}

void Write(const BconvParams& p, const BconvConstants& k, const Sums& sums, int channel,
           size_t pixel, char* out) {
  const int bits = p.y.filter * p.x.filter * (p.in_c / p.groups);
  // As LCE: an odd number of channels has no count that stands for 0.
  const bool late = p.zero_padding && p.in_c / p.groups % 2 != 0;
  const int sum = sums.inside + (p.zero_padding && !late ? 0 : sums.outside);
  if (p.output == LceOutput::kBits) {
    const int count = (bits - sum) / 2;
    if (count <= LoadUnaligned<int32_t>(k.thresholds, channel)) return;
    const size_t word = pixel * WordsOf(p.out_c) + static_cast<size_t>(channel) / 32;
    const uint32_t value = LoadUnaligned<uint32_t>(out, word) | 1u << (channel % 32);
    memcpy(out + word * 4, &value, 4);
    return;
  }
  // LCE multiplies 2 * count, with what that lacks in the bias.
  const double worth = static_cast<double>(LoadUnaligned<float>(k.multiplier, channel));
  const double bias = static_cast<double>(LoadUnaligned<float>(k.bias, channel));
  const float slope = static_cast<float>(-worth / p.scale);
  const double shift = Rounded((bias + Rounded(bits * worth)) / p.scale);
  const float add = static_cast<float>(shift + p.zero_point);
  float y = Rounded(static_cast<float>(bits - Activated(p.activation, sum)) * slope) + add;
  const size_t at = pixel * p.out_c + channel;
  if (late) y += Rounded(static_cast<float>(-worth) * static_cast<float>(sums.outside));
  if (p.output == LceOutput::kFloat)
    memcpy(out + at * 4, &y, 4);
  else
    out[at] = static_cast<char>(ToInt8(y));
}

}  // namespace

void BconvReference(const BconvParams& params, const BconvConstants& constants, const void* in,
                    int batch, void* out) {
  BconvParams p = params;
  if (!p.y.Place() || !p.x.Place()) return;
  const size_t in_bytes = static_cast<size_t>(p.y.in) * p.x.in * WordsOf(p.in_c) * 4;
  const size_t pixels = static_cast<size_t>(p.y.out) * p.x.out;
  char* to = static_cast<char*>(out);
  if (p.output == LceOutput::kBits) memset(to, 0, batch * pixels * WordsOf(p.out_c) * 4);
  for (size_t i = 0; i < batch * pixels; ++i) {
    const char* item = static_cast<const char*>(in) + i / pixels * in_bytes;
    const int oy = static_cast<int>(i % pixels / p.x.out), ox = static_cast<int>(i % p.x.out);
    for (int c = 0; c < p.out_c; ++c)
      Write(p, constants, SumsAt(p, constants.filter, item, oy, ox, c), c, i, to);
  }
}

}  // namespace xncaps
