// Built-in elementwise ops that are done along with the LceBconv2d before them.
#ifndef XNCAPS_DELEGATE_TAIL_H_
#define XNCAPS_DELEGATE_TAIL_H_

#include "delegate/op.h"
#include "kernels/lce_kernels.h"

namespace xncaps {

// A node that changes each float of a tensor: ADD, MUL, MINIMUM, MAXIMUM with a scalar, a value a
// channel or a tensor of the same shape; RELU and its like.
struct TailNode {
  bool has_op = false;  // false: only the clamp
  TailOp op = TailOp::kAdd;
  int operand = -1;  // the other tensor, where has_op
  bool has_clamp = false;
  float low = 0, high = 0;
};

// Whether a node is one, of that tensor. All that it reads is in the file: shapes may change later.
bool ReadTailNode(const TfLiteContext* context, const TfLiteNode* node,
                  const TfLiteRegistration* registration, int source, TailNode* tail);

constexpr int kMaxTailNodes = 8;

class Tail {
 public:
  // False: too many. Operands are inputs of the op, in this order.
  bool Read(const TailNode* nodes, int count);
  // Checks the operands from input `first` on against floats of `output`'s shape, copies what is
  // constant. After each resize.
  TfLiteStatus Prepare(const OpContext& op, int first, const TfLiteTensor* output);
  // In Invoke: `steps` with the memory that operands have now. Reports one that is too small.
  TfLiteStatus Steps(const OpContext& op, int first, size_t bytes, const TailStep** steps);
  int count() const { return count_; }

 private:
  TfLiteStatus CopyConstant(const OpContext& op, const TfLiteTensor* operand, int step, int cols);

  TailStep steps_[2 * kMaxTailNodes] = {};
  int input_[2 * kMaxTailNodes] = {};  // of a step, counted from `first`; -1: none
  Buffer constants_[2 * kMaxTailNodes];
  int count_ = 0;
};

}  // namespace xncaps

#endif  // XNCAPS_DELEGATE_TAIL_H_
