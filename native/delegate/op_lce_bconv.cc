// larq-compute-engine's LceBconv2d: a convolution of signs by signs.
//   Inputs: bits int32 [B, H, W, ceil(C/32)]; filter int32 [out, fh, fw, words of a group];
//   multiplier and bias float32 [out] or none (bits out); thresholds int32 [out] or none.
//   Output: float32 or int8 [B, H', W', out], or bits int32 [B, H', W', ceil(out/32)].
// With a tail (tail.h) its operands are inputs 5 and on, the floats behind it the output; a second
// output are the signs of these, as LceQuantize packs them.
#include "kernels/lce.h"

#include "delegate/op.h"
#include "delegate/tail.h"

namespace xncaps {
namespace {

constexpr int kInputs = 5;  // of the op itself

class BconvOp {
 public:
  TfLiteStatus Prepare(const OpContext& op);
  TfLiteStatus Invoke(const OpContext& op);

 private:
  TfLiteStatus ReadOptions(const OpContext& op, BconvParams* params) const;
  TfLiteStatus ReadOutput(const OpContext& op, BconvParams* params) const;
  TfLiteStatus ReadFilter(const OpContext& op, BconvParams* params) const;
  TfLiteStatus Pack(const OpContext& op);

  TfLiteStatus PrepareTail(const OpContext& op);

  BconvLayer layer_;
  Tail tail_;
  bool packed_ = false;
  int in_words_ = 0;
  int batch_ = 0;
  size_t values_bytes_ = 0;
};

TfLiteStatus BconvOp::ReadOptions(const OpContext& op, BconvParams* p) const {
  int padding = 0, pad_value = 0, activation = 0;
  if (op.IntOption("stride_height", 1, INT32_MAX, nullptr, &p->y.stride) != kTfLiteOk ||
      op.IntOption("stride_width", 1, INT32_MAX, nullptr, &p->x.stride) != kTfLiteOk ||
      op.IntOption("dilation_height_factor", 1, INT32_MAX, nullptr, &p->y.dilation) != kTfLiteOk ||
      op.IntOption("dilation_width_factor", 1, INT32_MAX, nullptr, &p->x.dilation) != kTfLiteOk ||
      op.IntOption("padding", 0, 1, nullptr, &padding) != kTfLiteOk ||
      op.IntOption("pad_values", 0, 1, nullptr, &pad_value) != kTfLiteOk ||
      op.IntOption("channels_in", 1, INT32_MAX, nullptr, &p->in_c) != kTfLiteOk ||
      op.IntOption("fused_activation_function", 0, 3, nullptr, &activation) != kTfLiteOk) {
    return kTfLiteError;
  }
  p->y.same = p->x.same = padding == 0;
  p->zero_padding = padding == 0 && pad_value == 0;
  p->activation = static_cast<LceActivation>(activation);  // TFLite's numbers
  return kTfLiteOk;
}

TfLiteStatus BconvOp::ReadOutput(const OpContext& op, BconvParams* p) const {
  const TfLiteTensor* output = op.Output(0);
  const TfLiteType type = output == nullptr ? kTfLiteFloat32 : output->type;
  const bool narrow = type == kTfLiteInt8 || type == kTfLiteInt32;
  if (op.CheckTensor(output, "output", narrow ? type : kTfLiteFloat32, -1) != kTfLiteOk)
    return kTfLiteError;
  p->output = type == kTfLiteInt8    ? LceOutput::kInt8
              : type == kTfLiteInt32 ? LceOutput::kBits
                                     : LceOutput::kFloat;
  if (p->zero_padding && p->in_c % 2 != 0 &&
      (p->output != LceOutput::kFloat || p->activation != LceActivation::kNone)) {
    return op.Error(
        "expected padding with zeros (pad_values 0) of an odd number of channels only with a "
        "float32 output and no activation. Received: channels_in %d, %s, activation %d.",
        p->in_c, TypeName(type), static_cast<int>(p->activation));
  }
  if (p->output != LceOutput::kInt8) return kTfLiteOk;
  if (op.CheckQuantization(output, "output") != kTfLiteOk) return kTfLiteError;
  p->scale = static_cast<double>(output->params.scale);
  p->zero_point = output->params.zero_point;
  return kTfLiteOk;
}

TfLiteStatus BconvOp::ReadFilter(const OpContext& op, BconvParams* p) const {
  const TfLiteTensor* filter = op.Input(1);
  if (op.CheckTensor(filter, "filter", kTfLiteInt32, 4) != kTfLiteOk) return kTfLiteError;
  if (op.CheckConstant(filter, "filter") != kTfLiteOk) return kTfLiteError;
  const int* dims = filter->dims->data;
  if (dims[0] < 1 || dims[1] < 1 || dims[2] < 1 || dims[3] < 1) {
    return op.Error(
        "expected filter [out, height, width, words] of sizes of at least 1. "
        "Received: [%d, %d, %d, %d].",
        dims[0], dims[1], dims[2], dims[3]);
  }
  p->out_c = dims[0];
  p->y.filter = dims[1], p->x.filter = dims[2];
  const int words = WordsOf(p->in_c);
  const bool divides = words % dims[3] == 0;
  p->groups = divides ? words / dims[3] : 1;
  const bool whole =
      p->groups == 1 || (p->in_c % p->groups == 0 && p->in_c / p->groups % kWordBits == 0);
  if (divides && whole && p->out_c % p->groups == 0) return kTfLiteOk;
  return op.Error(
      "expected filter [out, height, width, words of a group], groups of 32 n of the "
      "%d channels that divide out. Received: [%d, %d, %d, %d].",
      p->in_c, dims[0], dims[1], dims[2], dims[3]);
}

TfLiteStatus CheckVector(const OpContext& op, int i, const char* what, TfLiteType type, int size) {
  const TfLiteTensor* tensor = op.Input(i);
  if (op.CheckTensor(tensor, what, type, 1) != kTfLiteOk) return kTfLiteError;
  if (op.CheckConstant(tensor, what) != kTfLiteOk) return kTfLiteError;
  if (tensor->dims->data[0] == size) return kTfLiteOk;
  return op.Error("expected %s of shape [%d], as the filter says. Received: [%d].", what, size,
                  tensor->dims->data[0]);
}

TfLiteStatus BconvOp::Pack(const OpContext& op) {
  BconvParams params;
  BconvConstants constants;
  packed_ = false;
  if (!tail_.Read(op.tail(), op.tail_count())) return op.Error("too many ops behind it.");
  if (ReadOptions(op, &params) != kTfLiteOk) return kTfLiteError;
  if (ReadOutput(op, &params) != kTfLiteOk) return kTfLiteError;
  if (ReadFilter(op, &params) != kTfLiteOk) return kTfLiteError;
  constants.filter = op.Input(1)->data;
  if (params.output == LceOutput::kBits) {
    if (CheckVector(op, 4, "thresholds", kTfLiteInt32, params.out_c) != kTfLiteOk)
      return kTfLiteError;
    constants.thresholds = op.Input(4)->data;
  } else {
    if (CheckVector(op, 2, "multiplier", kTfLiteFloat32, params.out_c) != kTfLiteOk ||
        CheckVector(op, 3, "bias", kTfLiteFloat32, params.out_c) != kTfLiteOk) {
      return kTfLiteError;
    }
    constants.multiplier = op.Input(2)->data;
    constants.bias = op.Input(3)->data;
  }
  switch (layer_.Pack(params, constants, op.isa().lce)) {
    case Status::kOk:
      break;
    case Status::kTooLarge:
      return op.Error("a filter of this size cannot be addressed.");
    default:
      return op.Error("out of memory for the constants.");
  }
  in_words_ = WordsOf(params.in_c);
  packed_ = true;
  return kTfLiteOk;
}

TfLiteStatus BconvOp::Prepare(const OpContext& op) {
  const TfLiteTensor* input = op.Input(0);
  if (op.CheckCounts(kInputs, kInputs + op.tail_count(), op.has_tail_bits() ? 2 : 1) != kTfLiteOk)
    return kTfLiteError;
  if (op.CheckInput(input, "input", kTfLiteInt32, 4) != kTfLiteOk) return kTfLiteError;
  if (!packed_ && Pack(op) != kTfLiteOk) return kTfLiteError;
  const int* dims = input->dims->data;
  if (dims[3] != in_words_) {
    return op.Error(
        "expected input [B, H, W, %d], as channels_in says. Received: "
        "[%d, %d, %d, %d].",
        in_words_, dims[0], dims[1], dims[2], dims[3]);
  }
  switch (layer_.Resize(dims[1], dims[2], op.threads())) {
    case Status::kOk:
      break;
    case Status::kTooLarge:
      return op.Error("expected an input that the filter fits in. Received: %d x %d.", dims[1],
                      dims[2]);
    case Status::kOverLimit:
      return op.Error(
          "expected padded rows under the dilated filter, all that one output row needs, of at "
          "most %zu bytes. Received: more, for an input of %d x %d.",
          kMaxScratchBytes, dims[1], dims[2]);
    default:
      return op.Error("out of memory.");
  }
  batch_ = dims[0];
  const int out[4] = {batch_, layer_.out_h(), layer_.out_w(), layer_.out_depth()};
  if (op.ResizeOutput(0, 4, out) != kTfLiteOk) return kTfLiteError;
  if (op.CheckTensor(op.Output(0), "output", op.Output(0)->type, 4) != kTfLiteOk)
    return kTfLiteError;
  return PrepareTail(op);
}

TfLiteStatus BconvOp::PrepareTail(const OpContext& op) {
  if (tail_.Prepare(op, kInputs, op.Output(0)) != kTfLiteOk) return kTfLiteError;
  if (!ShapeBytes(op.Output(0), &values_bytes_)) return op.Error("an impossible output.");
  if (!op.has_tail_bits()) return kTfLiteOk;
  if (op.CheckTensor(op.Output(1), "bits", kTfLiteInt32, -1) != kTfLiteOk) return kTfLiteError;
  const int bits[4] = {batch_, layer_.out_h(), layer_.out_w(), layer_.out_words()};
  return op.ResizeOutput(1, 4, bits);
}

TfLiteStatus BconvOp::Invoke(const OpContext& op) {
  BconvTail tail;
  if (tail_.Steps(op, kInputs, values_bytes_, &tail.steps) != kTfLiteOk) return kTfLiteError;
  tail.count = tail_.count();
  if (op.has_tail_bits()) {
    tail.bits = op.OutputBytes(1);
    if (tail.bits.data == nullptr) return op.Ran(Status::kTooSmall);
  }
  return op.Ran(layer_.Run(op.pool(), op.InputBytes(0), batch_, op.OutputBytes(0), tail));
}

}  // namespace

extern const OpType kOpLceBconv2d;
const OpType kOpLceBconv2d = MakeOp<BconvOp>("LceBconv2d");

}  // namespace xncaps
