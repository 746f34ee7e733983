// A built-in op that was claimed to be done along with a convolution, and then was not: the host
// has put the two into different partitions, or reads what lies between them.
//   Inputs: a float32 tensor and an operand or none. Output: float32 of the tensor's shape.
#include <string.h>

#include "delegate/tail.h"

namespace xncaps {
namespace {

class ElementwiseOp {
 public:
  TfLiteStatus Prepare(const OpContext& op) {
    const TfLiteTensor* input = op.Input(0);
    if (op.CheckCounts(1, 2, 1) != kTfLiteOk) return kTfLiteError;
    if (op.CheckInput(input, "input", kTfLiteFloat32, 4) != kTfLiteOk) return kTfLiteError;
    if (op.CheckTensor(op.Output(0), "output", kTfLiteFloat32, -1) != kTfLiteOk)
      return kTfLiteError;
    if (op.ResizeOutput(0, 4, input->dims->data) != kTfLiteOk) return kTfLiteError;
    if (!tail_.Read(op.tail(), op.tail_count()) || !ShapeBytes(op.Output(0), &bytes_))
      return op.Error("an impossible shape.");
    channels_ = input->dims->data[3];
    return tail_.Prepare(op, 1, op.Output(0));
  }

  TfLiteStatus Invoke(const OpContext& op) {
    const ConstBytes in = op.InputBytes(0);
    const Bytes out = op.OutputBytes(0);
    const TailStep* steps = nullptr;
    if (bytes_ == 0) return kTfLiteOk;
    if (in.size < bytes_ || out.size < bytes_) return op.Ran(Status::kTooSmall);
    if (tail_.Steps(op, 1, bytes_, &steps) != kTfLiteOk) return kTfLiteError;
    const size_t cols = static_cast<size_t>(channels_);
    memcpy(out.data, in.data, bytes_);
    op.isa().lce->tail(steps, tail_.count(), static_cast<float*>(out.data), 0, bytes_ / 4 / cols,
                       cols);
    return kTfLiteOk;
  }

 private:
  Tail tail_;
  size_t bytes_ = 0;
  int channels_ = 0;
};

}  // namespace

extern const OpType kOpElementwise;
const OpType kOpElementwise = MakeOp<ElementwiseOp>("elementwise");

}  // namespace xncaps
