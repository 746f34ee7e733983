// Made-up nodes of the capsule ops.
#include "fuzz/mutator.h"

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

Made AddCaps(Mutator* m, FakeContext* fake) {
  static const char* const kNames[] = {"XnCapsOdr", "XnCapsIdr", "XnCapsFc"};
  const std::vector<int> sizes = Sizes(m);
  const int kind = m->Below(3), n = sizes[0], d = sizes[1], j = sizes[2], e = sizes[3];
  std::vector<int> u_dims = {m->Below(3), n, d}, v_dims = {1, j, e};
  Spoil(m, &u_dims);
  Spoil(m, &v_dims);
  if (m->OneIn(20)) v_dims.clear();
  const TfLiteType other = m->OneIn(40) ? kTfLiteInt8 : kTfLiteFloat32;
  const int u = fake->AddTensor(other, u_dims);
  std::vector<int> inputs = {u};
  if (kind == 0) {
    inputs.push_back(Constant(m, fake, kTfLiteUInt8, {n, j, e, d / 8 + (d % 8 != 0)}));
    const TfLiteType type = m->OneIn(2) ? kTfLiteFloat32 : kTfLiteFloat16;
    if (m->OneIn(2))
      inputs.push_back(Constant(m, fake, type, {n, j, e}));
    else if (m->OneIn(2))
      inputs.push_back(Constant(m, fake, type, {n, j}));
    else if (m->OneIn(2))
      inputs.push_back(-1);
  } else {
    const TfLiteType type = m->OneIn(2) ? kTfLiteFloat32 : kTfLiteFloat16;
    inputs.push_back(Constant(m, fake, type, {n, j, d, e}));
  }
  const int v = fake->AddTensor(kTfLiteFloat32, v_dims);
  std::vector<int> outputs = {v};
  if (m->OneIn(40)) inputs.pop_back();
  if (m->OneIn(40)) inputs.push_back(m->Below(9) - 3);
  if (m->OneIn(60)) outputs.push_back(v);
  if (m->OneIn(60)) outputs[0] = m->Below(200) - 100;
  fake->AddNode(kNames[kind], inputs, outputs, Options(m));
  return {u, v};
}

}  // namespace xncaps
