// larq-compute-engine's LceQuantize, LceDequantize and LceBMaxPool2d.
//   Bits are int32 words along the last axis, 32 to a word, 1 for negative. LceQuantize may have
//   elementwise ops in front of it (tail.h), whose operands are then inputs 1 and on.
#include "kernels/lce.h"

#include "delegate/op.h"
#include "delegate/tail.h"

namespace xncaps {
namespace {

constexpr int kMaxRank = 8;

// float32, int8 or bool of any rank.
TfLiteStatus CheckValues(const OpContext& op, const TfLiteTensor* tensor, const char* what,
                         LceType* type) {
  const TfLiteType given = tensor == nullptr ? kTfLiteFloat32 : tensor->type;
  const bool narrow = given == kTfLiteInt8 || given == kTfLiteBool;
  if (op.CheckTensor(tensor, what, narrow ? given : kTfLiteFloat32, -1) != kTfLiteOk)
    return kTfLiteError;
  *type = given == kTfLiteInt8   ? LceType::kInt8
          : given == kTfLiteBool ? LceType::kBool
                                 : LceType::kFloat;
  return kTfLiteOk;
}

TfLiteStatus CheckRank(const OpContext& op, const TfLiteTensor* tensor, const char* what) {
  const int rank = tensor->dims->size;
  if (rank >= 1 && rank <= kMaxRank) return kTfLiteOk;
  return op.Error("expected %s of rank 1 to %d. Received: rank %d.", what, kMaxRank, rank);
}

struct Rows {
  size_t rows = 0, cols = 0;
};

// The last axis and all before it.
Rows RowsOf(const TfLiteTensor* tensor) {
  Rows size = {1, static_cast<size_t>(tensor->dims->data[tensor->dims->size - 1])};
  for (int i = 0; i + 1 < tensor->dims->size; ++i)
    size.rows *= static_cast<size_t>(tensor->dims->data[i]);
  return size;
}

class QuantizeOp {
 public:
  TfLiteStatus Prepare(const OpContext& op) {
    const TfLiteTensor* input = op.Input(0);
    if (op.CheckCounts(1, 1 + op.tail_count(), 1) != kTfLiteOk) return kTfLiteError;
    if (CheckValues(op, input, "input", &type_) != kTfLiteOk) return kTfLiteError;
    if (op.CheckInput(input, "input", input->type, -1) != kTfLiteOk) return kTfLiteError;
    if (CheckRank(op, input, "input") != kTfLiteOk) return kTfLiteError;
    if (op.CheckTensor(op.Output(0), "output", kTfLiteInt32, -1) != kTfLiteOk) return kTfLiteError;
    int dims[kMaxRank];
    const int rank = input->dims->size;
    memcpy(dims, input->dims->data, sizeof(int) * static_cast<size_t>(rank));
    dims[rank - 1] = WordsOf(dims[rank - 1]);
    const int known = op.Output(0)->dims->size;  // none at all (rank 0) means not known
    if (known != 0 && known != rank) {
      return op.Error("expected output of the input's rank %d. Received: rank %d.", rank, known);
    }
    size_ = RowsOf(input);
    zero_point_ = input->params.zero_point;
    return op.ResizeOutput(0, rank, dims) == kTfLiteOk ? PrepareTail(op, input) : kTfLiteError;
  }

  TfLiteStatus Invoke(const OpContext& op) {
    const TailStep* steps = nullptr;
    if (tail_.Steps(op, 1, bytes_, &steps) != kTfLiteOk) return kTfLiteError;
    return op.Ran(LceQuantize(*op.isa().lce, op.pool(), type_, op.InputBytes(0), size_.rows,
                              size_.cols, zero_point_, op.OutputBytes(0), steps, tail_.count()));
  }

 private:
  // What is done to the floats before their signs are taken: operands are inputs 1 and on.
  TfLiteStatus PrepareTail(const OpContext& op, const TfLiteTensor* input) {
    if (!tail_.Read(op.tail(), op.tail_count())) return op.Error("too many ops before it.");
    if (tail_.count() > 0 && type_ != LceType::kFloat)
      return op.Error("expected a float32 input. Received: %s.", TypeName(input->type));
    if (!ShapeBytes(input, &bytes_)) return op.Error("an impossible input.");
    return tail_.Prepare(op, 1, input);
  }

  Tail tail_;
  size_t bytes_ = 0;
  LceType type_ = LceType::kFloat;
  Rows size_;
  int zero_point_ = 0;
};

class DequantizeOp {
 public:
  TfLiteStatus Prepare(const OpContext& op) {
    const TfLiteTensor *input = op.Input(0), *output = op.Output(0);
    if (op.CheckCounts(1, 1, 1) != kTfLiteOk) return kTfLiteError;
    if (op.CheckInput(input, "input", kTfLiteInt32, -1) != kTfLiteOk) return kTfLiteError;
    if (CheckRank(op, input, "input") != kTfLiteOk) return kTfLiteError;
    if (CheckValues(op, output, "output", &type_) != kTfLiteOk) return kTfLiteError;
    const int rank = input->dims->size, words = input->dims->data[rank - 1];
    // Words do not tell how many of their bits count: the file's own output does.
    const int channels = output->dims->size == rank ? output->dims->data[rank - 1] : -1;
    if (channels < 0 || WordsOf(channels) != words) {
      return op.Error(
          "expected output of rank %d with a last axis that fits %d words. "
          "Received: rank %d, last axis %d.",
          rank, words, output->dims->size, channels);
    }
    // The batch follows the input, also where the file's is another; the other axes do not.
    for (int i = 1; i + 1 < rank; ++i) {
      if (output->dims->data[i] == input->dims->data[i]) continue;
      return op.Error("expected output's axis %d to be the input's %d. Received: %d.", i,
                      input->dims->data[i], output->dims->data[i]);
    }
    if (type_ == LceType::kInt8 && Int8Values(op, output) != kTfLiteOk) return kTfLiteError;
    int dims[kMaxRank];
    memcpy(dims, input->dims->data, sizeof(int) * static_cast<size_t>(rank));
    dims[rank - 1] = channels;
    if (op.ResizeOutput(0, rank, dims) != kTfLiteOk) return kTfLiteError;
    // Again, now of the shape it has: more values than words had.
    if (CheckValues(op, op.Output(0), "output", &type_) != kTfLiteOk) return kTfLiteError;
    size_ = RowsOf(op.Output(0));
    return kTfLiteOk;
  }

  TfLiteStatus Invoke(const OpContext& op) {
    return op.Ran(LceDequantize(*op.isa().lce, op.pool(), type_, op.InputBytes(0), size_.rows,
                                size_.cols, clear_, set_, op.OutputBytes(0)));
  }

 private:
  // What +1 and -1 are in the output's quantization, as near as a byte can say.
  TfLiteStatus Int8Values(const OpContext& op, const TfLiteTensor* output) {
    if (op.CheckQuantization(output, "output") != kTfLiteOk) return kTfLiteError;
    const int zero = output->params.zero_point;
    const float steps = 1.0f / output->params.scale;
    const int offset = steps < 256.0f ? static_cast<int>(steps + 0.5f) : 256;
    clear_ = zero + offset < 127 ? zero + offset : 127;
    set_ = zero - offset > -128 ? zero - offset : -128;
    return kTfLiteOk;
  }

  LceType type_ = LceType::kFloat;
  Rows size_;
  int clear_ = 1, set_ = -1;
};

class MaxPoolOp {
 public:
  TfLiteStatus Prepare(const OpContext& op) {
    const TfLiteTensor* input = op.Input(0);
    if (op.CheckCounts(1, 1, 1) != kTfLiteOk) return kTfLiteError;
    if (op.CheckInput(input, "input", kTfLiteInt32, 4) != kTfLiteOk) return kTfLiteError;
    if (op.CheckTensor(op.Output(0), "output", kTfLiteInt32, -1) != kTfLiteOk) return kTfLiteError;
    int padding = 0;
    if (op.IntOption("filter_height", 1, INT32_MAX, nullptr, &shape_.y.filter) != kTfLiteOk ||
        op.IntOption("filter_width", 1, INT32_MAX, nullptr, &shape_.x.filter) != kTfLiteOk ||
        op.IntOption("stride_height", 1, INT32_MAX, nullptr, &shape_.y.stride) != kTfLiteOk ||
        op.IntOption("stride_width", 1, INT32_MAX, nullptr, &shape_.x.stride) != kTfLiteOk ||
        op.IntOption("padding", 0, 1, nullptr, &padding) != kTfLiteOk) {
      return kTfLiteError;
    }
    const int* dims = input->dims->data;
    shape_.y.same = shape_.x.same = padding == 0;
    shape_.y.in = dims[1], shape_.x.in = dims[2];
    shape_.words = dims[3];
    if (!shape_.y.Place() || !shape_.x.Place()) {
      return op.Error("expected an input that a window of %d x %d fits in. Received: %d x %d.",
                      shape_.y.filter, shape_.x.filter, dims[1], dims[2]);
    }
    batch_ = dims[0];
    const int out[4] = {batch_, shape_.y.out, shape_.x.out, shape_.words};
    return op.ResizeOutput(0, 4, out);
  }

  TfLiteStatus Invoke(const OpContext& op) {
    return op.Ran(
        LceMaxPool(*op.isa().lce, op.pool(), shape_, op.InputBytes(0), batch_, op.OutputBytes(0)));
  }

 private:
  BmaxPool shape_;
  int batch_ = 0;
};

}  // namespace

extern const OpType kOpLceQuantize, kOpLceDequantize, kOpLceBMaxPool2d;
const OpType kOpLceQuantize = MakeOp<QuantizeOp>("LceQuantize");
const OpType kOpLceDequantize = MakeOp<DequantizeOp>("LceDequantize");
const OpType kOpLceBMaxPool2d = MakeOp<MaxPoolOp>("LceBMaxPool2d");

}  // namespace xncaps
