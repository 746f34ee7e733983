#include "fuzz/graph.h"
#include "kernels/lce.h"

namespace xncaps {

int Channels(Mutator* m) {
  static const int kNear[] = {1, 31, 32, 33, 64, 70, 96, 128, 130};
  return m->OneIn(80) ? m->Dim() : kNear[m->Below(9)];
}

TfLiteType Graph::ValueType() {
  static const TfLiteType kTypes[] = {kTfLiteFloat32, kTfLiteInt8, kTfLiteBool};
  return kTypes[m_->Below(3)];
}

int Graph::Quantized(TfLiteType type, const std::vector<int>& dims) {
  const int index = fake_->AddTensor(type, dims);
  if (type == kTfLiteInt8 && !m_->OneIn(20)) {
    static const float kScales[] = {0.01f, 0.5f, 1.0f, 1e-30f, 1e30f};
    fake_->tensor(index).params.scale = kScales[m_->Below(5)];
    fake_->tensor(index).params.zero_point = m_->OneIn(20) ? m_->Dim() : m_->Below(256) - 128;
  }
  return index;
}

Value Graph::Source(TfLiteType type, const std::vector<int>& dims) {
  if (m_->OneIn(2)) {
    std::vector<const Value*> fits;
    for (const Value& value : values_) {
      if (value.type == type && value.dims.size() == dims.size()) fits.push_back(&value);
    }
    if (!fits.empty()) return *fits[static_cast<size_t>(m_->Below(static_cast<int>(fits.size())))];
  }
  if (m_->OneIn(40) && fake_->tensor_count() > 0)
    return {m_->Below(fake_->tensor_count()), type, dims};
  Value value = {0, type, dims};
  if (m_->OneIn(15)) {
    value.tensor = Constant(m_, fake_, type, dims);
  } else {
    Spoil(m_, &value.dims);
    value.tensor = Quantized(m_->OneIn(60) ? kTfLiteUInt8 : type, value.dims);
    fed_.push_back(value.tensor);
  }
  values_.push_back(value);
  return value;
}

int Graph::Sink(TfLiteType type, const std::vector<int>& dims, const std::vector<int>& in_file) {
  if (m_->OneIn(25)) return m_->Below(fake_->tensor_count() + 2) - 1;
  std::vector<int> shape = in_file;
  Spoil(m_, &shape);
  const int index = Quantized(type, shape);
  values_.push_back({index, type, dims});
  return index;
}

// Somebody else's node: its output changes shape when it runs, or is an earlier tensor.
void Graph::AddHost() {
  static const TfLiteType kTypes[] = {kTfLiteFloat32, kTfLiteInt8, kTfLiteInt32};
  const TfLiteType type = kTypes[m_->Below(3)];
  std::vector<int> dims = {m_->Below(3), Side(m_, 5), Side(m_, 5), Channels(m_)};
  if (m_->OneIn(2)) dims.resize(3);
  if (!values_.empty() && m_->OneIn(2))
    dims = values_[static_cast<size_t>(m_->Below(static_cast<int>(values_.size())))].dims;
  std::vector<int> invoked = dims;
  if (m_->OneIn(3)) Spoil(m_, &invoked);
  if (m_->OneIn(3) && !invoked.empty()) invoked[0] = m_->Below(4);
  const int in = Source(type, dims).tensor, out = Sink(type, dims, dims);
  fake_->AddHostNode({in}, {out}, dims, invoked);
}

// A built-in op that is done along with the convolution before it or the LceQuantize behind it,
// where all fits.
void Graph::AddTail() {
  static const int kCodes[] = {tflite::kBuiltinAdd,    tflite::kBuiltinMul,
                               tflite::kBuiltinRelu,   tflite::kBuiltinReluN1To1,
                               tflite::kBuiltinRelu6,  tflite::kBuiltinMaximum,
                               tflite::kBuiltinMinimum};
  const int code = kCodes[m_->Below(7)];
  Value in = Source(kTfLiteFloat32, {1, 3, 3, 8});
  if (values_.back().type == kTfLiteFloat32 && !m_->OneIn(4)) in = values_.back();
  std::vector<int> inputs = {in.tensor};
  if ((code != tflite::kBuiltinRelu && code != tflite::kBuiltinReluN1To1 &&
       code != tflite::kBuiltinRelu6) ||
      m_->OneIn(30)) {
    const int last = in.dims.empty() ? 1 : in.dims.back();
    if (m_->OneIn(2))
      inputs.push_back(Constant(m_, fake_, kTfLiteFloat32, {m_->OneIn(3) ? 1 : last}));
    else
      inputs.push_back(Source(kTfLiteFloat32, in.dims).tensor);
    if (m_->OneIn(3)) std::swap(inputs[0], inputs[1]);
  }
  const int sink = Sink(kTfLiteFloat32, in.dims, in.dims);
  fake_->AddBuiltinNode(code, inputs, {sink}, in.dims, m_->OneIn(40) ? m_->Dim() : m_->Below(4));
  if (in.dims.empty() || !m_->OneIn(3)) return;
  std::vector<int> words = in.dims;
  words.back() = WordsOf(words.back());
  fake_->AddNode("LceQuantize", {sink}, {Sink(kTfLiteInt32, words, words)}, {});
}

void Graph::AddNodes() {
  const int count = m_->OneIn(3) ? 1 : 1 + m_->Below(6);
  for (int i = 0; i < count; ++i) {
    switch (m_->Below(14)) {
      case 0:
      case 1:
        AddHost();
        break;
      case 2:
      case 3:
        AddPacking(true);
        break;
      case 4:
        AddPacking(false);
        break;
      case 5:
        AddPool();
        break;
      case 6:
      case 7:
      case 8:
        AddConv();
        break;
      case 9:
      case 10:
      case 11:
        AddTail();
        break;
      default:
        AddCaps();
    }
  }
}

std::vector<int> Graph::Outputs() {
  std::vector<int> outputs;
  for (const Value& value : values_) {
    if (&value == &values_.back() || m_->OneIn(3)) outputs.push_back(value.tensor);
  }
  return outputs;
}

}  // namespace xncaps
