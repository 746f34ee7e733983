// A made-up graph of a few nodes: ours and the host's, that take each other's tensors, now and then
// ones that they must not.
#ifndef XNCAPS_FUZZ_GRAPH_H_
#define XNCAPS_FUZZ_GRAPH_H_

#include <vector>

#include "fuzz/mutator.h"

namespace xncaps {

// A tensor and the shape it should have when its node is prepared; the file may say another.
struct Value {
  int tensor;
  TfLiteType type;
  std::vector<int> dims;
};

class Graph {
 public:
  Graph(Mutator* mutator, FakeContext* fake) : m_(mutator), fake_(fake) {}

  void AddNodes();

  // Tensors to feed: what no node made when it was first read.
  const std::vector<int>& fed() const { return fed_; }
  // Some tensors, to be read by the user.
  std::vector<int> Outputs();

 private:
  // An earlier value of this type and rank, or a tensor that is fed or in the file.
  Value Source(TfLiteType type, const std::vector<int>& dims);
  // A new tensor for a node's output; now and then one that is there already.
  int Sink(TfLiteType type, const std::vector<int>& dims, const std::vector<int>& in_file);
  int Quantized(TfLiteType type, const std::vector<int>& dims);
  TfLiteType ValueType();

  void AddCaps();
  void AddPacking(bool pack);
  void AddPool();
  void AddConv();
  void AddTail();
  void AddHost();

  Mutator* m_;
  FakeContext* fake_;
  std::vector<Value> values_;
  std::vector<int> fed_;
};

// Sizes of images, filters and steps: small, since their product is work; now and then silly.
inline int Side(Mutator* m, int limit) { return m->OneIn(150) ? m->Dim() : 1 + m->Below(limit); }

int Channels(Mutator* m);

}  // namespace xncaps

#endif  // XNCAPS_FUZZ_GRAPH_H_
