// Made-up nodes of larq-compute-engine's ops.
#include "fuzz/mutator.h"

namespace xncaps {
namespace {

int Words(int channels) { return channels / 32 + (channels % 32 != 0); }

// Sizes of images, filters and steps: small, since their product is work; now and then silly.
int Side(Mutator* m, int limit) { return m->OneIn(150) ? m->Dim() : 1 + m->Below(limit); }

int Channels(Mutator* m) {
  static const int kNear[] = {1, 31, 32, 33, 64, 70, 96, 128, 130};
  return m->OneIn(80) ? m->Dim() : kNear[m->Below(9)];
}

int Quantized(Mutator* m, FakeContext* fake, TfLiteType type, const std::vector<int>& dims) {
  const int index = fake->AddTensor(type, dims);
  if (type == kTfLiteInt8 && !m->OneIn(20)) {
    static const float kScales[] = {0.01f, 0.5f, 1.0f, 1e-30f, 1e30f};
    fake->tensor(index).params.scale = kScales[m->Below(5)];
    fake->tensor(index).params.zero_point = m->OneIn(20) ? m->Dim() : m->Below(256) - 128;
  }
  return index;
}

// A tensor between nodes, or one of the file that may be too short.
int Input(Mutator* m, FakeContext* fake, TfLiteType type, std::vector<int> dims) {
  if (m->OneIn(15)) return Constant(m, fake, type, dims);
  Spoil(m, &dims);
  return Quantized(m, fake, m->OneIn(60) ? kTfLiteUInt8 : type, dims);
}

TfLiteType Values(Mutator* m) {
  static const TfLiteType kTypes[] = {kTfLiteFloat32, kTfLiteInt8, kTfLiteBool};
  return kTypes[m->Below(3)];
}

Made AddPacking(Mutator* m, FakeContext* fake, bool pack) {
  std::vector<int> values = {m->Below(4), Side(m, 6), Channels(m)}, words = values;
  if (m->OneIn(4)) values = words = {Channels(m)};
  words.back() = Words(values.back());
  if (m->OneIn(30)) words.back() = m->Dim();
  Made made;
  made.input = Input(m, fake, pack ? Values(m) : kTfLiteInt32, pack ? values : words);
  std::vector<int> out = pack ? words : values;
  Spoil(m, &out);
  made.output = Quantized(m, fake, pack ? kTfLiteInt32 : Values(m), out);
  fake->AddNode(pack ? "LceQuantize" : "LceDequantize", {made.input}, {made.output}, {});
  return made;
}

Made AddPool(Mutator* m, FakeContext* fake) {
  Made made;
  made.input = Input(m, fake, kTfLiteInt32, {m->Below(4), Side(m, 7), Side(m, 7), Side(m, 5)});
  made.output = fake->AddTensor(kTfLiteInt32, {1, 1, 1, 1});
  fake->AddNode("LceBMaxPool2d", {made.input}, {made.output},
                m->Map({{"filter_height", Side(m, 3)},
                        {"filter_width", Side(m, 3)},
                        {"stride_height", Side(m, 3)},
                        {"stride_width", Side(m, 3)},
                        {"padding", m->Below(2)}}));
  return made;
}

Made AddConv(Mutator* m, FakeContext* fake) {
  const int groups = m->OneIn(4) ? 1 + m->Below(3) : 1;
  const int in_c = groups > 1 ? groups * 32 : Channels(m);
  const int out_c = groups > 1 ? groups * (1 + m->Below(40)) : Channels(m);
  const TfLiteType types[] = {kTfLiteFloat32, kTfLiteInt8, kTfLiteInt32};
  const TfLiteType type = m->OneIn(60) ? kTfLiteFloat16 : types[m->Below(3)];
  Made made;
  made.input = Input(m, fake, kTfLiteInt32, {m->Below(4), Side(m, 7), Side(m, 7), Words(in_c)});
  std::vector<int> inputs = {made.input};
  inputs.push_back(
      Constant(m, fake, kTfLiteInt32, {out_c, Side(m, 3), Side(m, 3), Words(in_c) / groups}));
  const bool bits = type == kTfLiteInt32;
  for (int i = 0; i < 2; ++i)
    inputs.push_back(bits && !m->OneIn(8) ? -1 : Constant(m, fake, kTfLiteFloat32, {out_c}));
  inputs.push_back(bits || m->OneIn(8) ? Constant(m, fake, kTfLiteInt32, {out_c}) : -1);
  if (m->OneIn(60)) inputs.pop_back();
  if (m->OneIn(60)) inputs[static_cast<size_t>(m->Below(5)) % inputs.size()] = m->Below(9) - 3;
  made.output = Quantized(m, fake, type, {1, 1, 1, 1});
  fake->AddNode("LceBconv2d", inputs, {made.output},
                m->Map({{"channels_in", in_c},
                        {"dilation_height_factor", Side(m, 3)},
                        {"dilation_width_factor", Side(m, 3)},
                        {"fused_activation_function", m->Below(4)},
                        {"pad_values", m->Below(2)},
                        {"padding", m->Below(2)},
                        {"stride_height", Side(m, 3)},
                        {"stride_width", Side(m, 3)}}));
  return made;
}

}  // namespace

Made AddLce(Mutator* m, FakeContext* fake) {
  switch (m->Below(6)) {
    case 0:
      return AddPacking(m, fake, true);
    case 1:
      return AddPacking(m, fake, false);
    case 2:
      return AddPool(m, fake);
    default:
      return AddConv(m, fake);
  }
}

}  // namespace xncaps
