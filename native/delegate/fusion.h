// Which built-in ops are done along with the LceBconv2d before them or the LceQuantize behind them,
// found in a list of nodes: all of a graph's when nodes are claimed, a partition's when it is made.
#ifndef XNCAPS_DELEGATE_FUSION_H_
#define XNCAPS_DELEGATE_FUSION_H_

#include "delegate/tail.h"

namespace xncaps {

// What follows a LceBconv2d of floats, or is before a LceQuantize: each node is the only reader of
// what is before it.
struct Fusion {
  int count = 0;
  int positions[kMaxTailNodes] = {};  // in the list
  TailNode nodes[kMaxTailNodes] = {};
  int quantize = -1;  // position of a LceQuantize of the result; -1: none
  int result = -1;    // the tensor
  int source = -1;    // where it begins without a convolution: what the first node is done on
  int bits = -1;      // the tensor of the quantize
};

class Fuser {
 public:
  // `visible`: tensors that others than these nodes read; null: not known.
  Fuser(TfLiteContext* context, const TfLiteIntArray* nodes, const TfLiteIntArray* visible)
      : context_(context), list_(nodes), visible_(visible) {}
  ~Fuser();
  Fuser(const Fuser&) = delete;
  Fuser& operator=(const Fuser&) = delete;

  // False: no memory, or a node that cannot be read.
  bool Read();
  // What goes along with the node at `position`, which is then taken; false: nothing. To be called
  // for one node after the other.
  bool Find(int position, Fusion* fusion);

 private:
  struct Use {
    int readers, reader, producer;  // positions, of the first reader and the last producer
    int producers;
  };

  bool Node(int position, TfLiteNode** node, TfLiteRegistration** registration) const;
  Use* UseOf(int tensor) const;
  bool Hidden(int tensor) const;  // made by one of the nodes and read by one other alone
  bool IsBconv(const TfLiteNode* node, const TfLiteRegistration* registration) const;
  bool IsQuantize(const TfLiteNode* node, const TfLiteRegistration* registration) const;
  bool Extend(int tensor, Fusion* fusion);
  bool Precede(int tensor, Fusion* fusion);
  void FindQuantize(Fusion* fusion);

  TfLiteContext* context_;
  const TfLiteIntArray* list_;
  const TfLiteIntArray* visible_;
  Use* uses_ = nullptr;    // [tensors]
  bool* taken_ = nullptr;  // [nodes]
};

// Leaves of the plan the nodes that the delegate claims: its own ops and, with `builtins`, those
// behind a LceBconv2d of the same partition as it will be or in front of a LceQuantize.
TfLiteStatus KeepClaimed(TfLiteContext* context, bool builtins, TfLiteIntArray* plan);

}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_FUSION_H_
