// Which built-in ops are done along with the LceBconv2d before them, found in a list of nodes: all
// of a graph's when nodes are claimed, a partition's when it is made.
#ifndef XNCAPS_DELEGATE_FUSION_H_
#define XNCAPS_DELEGATE_FUSION_H_

#include "delegate/tail.h"

namespace xncaps {

// What follows a LceBconv2d of floats: each node is the only reader of what is before it.
struct Fusion {
  int count = 0;
  int positions[kMaxTailNodes] = {};  // in the list
  TailNode nodes[kMaxTailNodes] = {};
  int quantize = -1;  // position of a LceQuantize of the result; -1: none
  int result = -1;    // the tensor
  int source = -1;    // of a single built-in op without a convolution: what it is done on
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
  // What follows the node at `position`, which is then taken; false: nothing.
  bool Follow(int position, Fusion* fusion);

 private:
  struct Use {
    int readers, reader, producer;  // positions, of the first reader and the last producer
    int producers;
  };

  bool Node(int position, TfLiteNode** node, TfLiteRegistration** registration) const;
  Use* UseOf(int tensor) const;
  bool Hidden(int tensor) const;  // made by one of the nodes and read by one other alone
  bool Extend(int tensor, Fusion* fusion);
  void FindQuantize(Fusion* fusion);

  TfLiteContext* context_;
  const TfLiteIntArray* list_;
  const TfLiteIntArray* visible_;
  Use* uses_ = nullptr;    // [tensors]
  bool* taken_ = nullptr;  // [nodes]
};

// Leaves of the plan the nodes that the delegate claims: its own ops, and built-in ones behind a
// LceBconv2d of the same partition as it will be.
TfLiteStatus KeepClaimed(TfLiteContext* context, TfLiteIntArray* plan);

}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_FUSION_H_
