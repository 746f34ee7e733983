// Made-up nodes of the capsule ops.
#include "fuzz/graph.h"

namespace xncaps {
namespace {

// {"routing_iterations": R, "version": 1}, often spoilt.
std::vector<uint8_t> Options(Mutator* m) {
  const char text[] = "routing_iterations\0version";
  std::vector<uint8_t> bytes(text, text + sizeof text);
  for (int x : {2, 28, 10, 2, 1, 2, 1 + m->Below(4), 1, 4, 4, 4, 36, 1})
    bytes.push_back(static_cast<uint8_t>(x));
  return m->Spoilt(bytes);
}

// N, D, J, E round the blocks' edges, but seldom all four: their product is work, and three of the
// largest find what four do.
std::vector<int> Sizes(Mutator* m) {
  constexpr int kMost = 33 * 33 * 33;
  std::vector<int> sizes = {m->Dim(), m->Dim(), m->Dim(), m->Dim()};
  for (;;) {
    int64_t product = 1;
    for (int size : sizes)
      if (size > 0 && size <= kMost) product *= size;
    if (product <= kMost) return sizes;
    sizes[static_cast<size_t>(m->Below(4))] = 1 + m->Below(3);
  }
}

}  // namespace

void Graph::AddCaps() {
  static const char* const kNames[] = {"XnCapsOdr", "XnCapsIdr", "XnCapsFc"};
  const std::vector<int> sizes = Sizes(m_);
  const int kind = m_->Below(3), j = sizes[2], e = sizes[3];
  const TfLiteType other = m_->OneIn(40) ? kTfLiteInt8 : kTfLiteFloat32;
  const Value u = Source(other, {m_->Below(3), sizes[0], sizes[1]});
  const int n = u.dims.size() == 3 ? u.dims[1] : 1, d = u.dims.size() == 3 ? u.dims[2] : 1;
  std::vector<int> inputs = {u.tensor};
  const TfLiteType type = m_->OneIn(2) ? kTfLiteFloat32 : kTfLiteFloat16;
  if (kind == 0) {
    inputs.push_back(Constant(m_, fake_, kTfLiteUInt8, {n, j, e, d / 8 + (d % 8 != 0)}));
    if (m_->OneIn(2))
      inputs.push_back(Constant(m_, fake_, type, {n, j, e}));
    else if (m_->OneIn(2))
      inputs.push_back(Constant(m_, fake_, type, {n, j}));
    else if (m_->OneIn(2))
      inputs.push_back(-1);
  } else {
    inputs.push_back(Constant(m_, fake_, type, {n, j, d, e}));
  }
  std::vector<int> in_file = {1, j, e};
  if (m_->OneIn(20)) in_file.clear();
  std::vector<int> outputs = {
      Sink(kTfLiteFloat32, {u.dims.empty() ? 1 : u.dims[0], j, e}, in_file)};
  if (m_->OneIn(40)) inputs.pop_back();
  if (m_->OneIn(40)) inputs.push_back(m_->Below(9) - 3);
  if (m_->OneIn(60)) outputs.push_back(outputs[0]);
  fake_->AddNode(kNames[kind], inputs, outputs, Options(m_));
}

}  // namespace xncaps
