// Made-up nodes of larq-compute-engine's ops.
#include "fuzz/graph.h"
#include "kernels/lce.h"

namespace xncaps {
namespace {

// The output's size, 1 where there is none.
int Placed(Window window, int in) {
  window.in = in;
  return window.Place() ? window.out : 1;
}

}  // namespace

void Graph::AddPacking(bool pack) {
  std::vector<int> values = {m_->Below(4), Side(m_, 6), Side(m_, 6), Channels(m_)};
  if (m_->OneIn(4)) values = {Channels(m_)};
  std::vector<int> words = values;
  words.back() = WordsOf(values.back());
  if (m_->OneIn(30)) words.back() = m_->Dim();
  const Value in = Source(pack ? ValueType() : kTfLiteInt32, pack ? values : words);
  std::vector<int> out = in.dims;
  if (!out.empty()) out.back() = pack ? WordsOf(out.back()) : values.back();
  const int sink = Sink(pack ? kTfLiteInt32 : ValueType(), out, out);
  fake_->AddNode(pack ? "LceQuantize" : "LceDequantize", {in.tensor}, {sink}, {});
}

void Graph::AddPool() {
  const Value in = Source(kTfLiteInt32, {m_->Below(4), Side(m_, 7), Side(m_, 7), Side(m_, 5)});
  Window y, x;
  y.filter = Side(m_, 3), x.filter = Side(m_, 3);
  y.stride = Side(m_, 3), x.stride = Side(m_, 3);
  y.same = x.same = m_->OneIn(2);
  std::vector<int> out = in.dims;
  if (out.size() == 4) out[1] = Placed(y, out[1]), out[2] = Placed(x, out[2]);
  const int sink = Sink(kTfLiteInt32, out, {1, 1, 1, 1});
  fake_->AddNode("LceBMaxPool2d", {in.tensor}, {sink},
                 m_->Map({{"filter_height", y.filter},
                          {"filter_width", x.filter},
                          {"stride_height", y.stride},
                          {"stride_width", x.stride},
                          {"padding", y.same ? 0 : 1}}));
}

void Graph::AddConv() {
  const int groups = m_->OneIn(4) ? 1 + m_->Below(3) : 1;
  const int drawn = groups > 1 ? groups * 32 : Channels(m_);
  const Value in = Source(kTfLiteInt32, {m_->Below(4), Side(m_, 7), Side(m_, 7), WordsOf(drawn)});
  const bool rank = in.dims.size() == 4 && in.dims[3] > 0 && in.dims[3] < 100;
  const int in_words = rank ? in.dims[3] : WordsOf(drawn);
  const int in_c = in_words == WordsOf(drawn) ? drawn : in_words * 32 - (m_->OneIn(2) ? 5 : 0);
  const int out_c = groups > 1 ? groups * (1 + m_->Below(40)) : Channels(m_);
  const TfLiteType types[] = {kTfLiteFloat32, kTfLiteInt8, kTfLiteInt32};
  const TfLiteType type = m_->OneIn(60) ? kTfLiteFloat16 : types[m_->Below(3)];
  Window y, x;
  y.filter = Side(m_, 3), x.filter = Side(m_, 3);
  y.stride = Side(m_, 3), x.stride = Side(m_, 3);
  y.dilation = Side(m_, 3), x.dilation = Side(m_, 3);
  y.same = x.same = !m_->OneIn(3);
  std::vector<int> inputs = {in.tensor};
  inputs.push_back(
      Constant(m_, fake_, kTfLiteInt32, {out_c, y.filter, x.filter, in_words / groups}));
  const bool bits = type == kTfLiteInt32;
  for (int i = 0; i < 2; ++i)
    inputs.push_back(bits && !m_->OneIn(8) ? -1 : Constant(m_, fake_, kTfLiteFloat32, {out_c}));
  inputs.push_back(bits || m_->OneIn(8) ? Constant(m_, fake_, kTfLiteInt32, {out_c}) : -1);
  if (m_->OneIn(60)) inputs.pop_back();
  if (m_->OneIn(60)) inputs[static_cast<size_t>(m_->Below(5)) % inputs.size()] = m_->Below(9) - 3;
  std::vector<int> out = in.dims;
  if (rank) {
    out[1] = Placed(y, out[1]), out[2] = Placed(x, out[2]);
    out[3] = bits ? WordsOf(out_c) : out_c;
  }
  const int sink = Sink(type, out, m_->OneIn(4) ? std::vector<int>{1, 1, 1, 1} : out);
  fake_->AddNode("LceBconv2d", inputs, {sink},
                 m_->Map({{"channels_in", in_c},
                          {"dilation_height_factor", y.dilation},
                          {"dilation_width_factor", x.dilation},
                          {"fused_activation_function", m_->Below(4)},
                          {"pad_values", m_->Below(2)},
                          {"padding", y.same ? 0 : 1},
                          {"stride_height", y.stride},
                          {"stride_width", x.stride}}));
}

}  // namespace xncaps
