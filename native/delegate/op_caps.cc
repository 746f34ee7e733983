// XnCapsOdr (u, bits, optional scale), XnCapsIdr (u, kernel) and XnCapsFc (u, kernel) -> v.
//   u [B, N, D] float32; bits uint8 [N, J, E, ceil(D/8)]; scale float32 or float16 [N, J, E] or
//   [N, J]; kernel [N, J, D, E] float32 (Fc: or float16); v [B, J, E] float32.
//   Options: routing_iterations, version = 1.
#include "delegate/op.h"
#include "kernels/caps.h"

namespace xncaps {
namespace {

constexpr int kMaxTurns = 1000;  // a file from a stranger cannot keep a device busy for ever
constexpr int kVersion = 1;

template <CapsType kType>
class CapsOp {
 public:
  TfLiteStatus Prepare(const OpContext& op);
  TfLiteStatus Invoke(const OpContext& op);

 private:
  TfLiteStatus ReadOptions(const OpContext& op, CapsParams* params) const;
  TfLiteStatus ReadBits(const OpContext& op, CapsParams* params, CapsConstants* constants) const;
  TfLiteStatus ReadScale(const OpContext& op, CapsParams* params, CapsConstants* constants) const;
  TfLiteStatus ReadKernel(const OpContext& op, CapsParams* params, CapsConstants* constants) const;
  TfLiteStatus CheckOutput(const OpContext& op, const CapsParams& params) const;
  TfLiteStatus Pack(const OpContext& op);

  CapsLayer layer_;
  bool packed_ = false;
  int batch_ = 0;
};

template <CapsType kType>
TfLiteStatus CapsOp<kType>::ReadOptions(const OpContext& op, CapsParams* params) const {
  const int version = kVersion;
  int ignored = 0;
  params->type = kType;
  if (op.IntOption("version", 1, kVersion, &version, &ignored) != kTfLiteOk) return kTfLiteError;
  return op.IntOption("routing_iterations", 1, kMaxTurns, nullptr, &params->r);
}

template <CapsType kType>
TfLiteStatus CapsOp<kType>::ReadBits(const OpContext& op, CapsParams* params,
                                     CapsConstants* constants) const {
  const TfLiteTensor* bits = op.Input(1);
  if (op.CheckTensor(bits, "bits", kTfLiteUInt8, 4) != kTfLiteOk) return kTfLiteError;
  if (op.CheckConstant(bits, "bits") != kTfLiteOk) return kTfLiteError;
  const int* dims = bits->dims->data;
  const int bytes = params->d / 8 + (params->d % 8 != 0);
  if (dims[0] != params->n || dims[3] != bytes || dims[1] < 1 || dims[2] < 1) {
    return op.Error(
        "expected bits of shape [N=%d, J, E, %d], as the input's N and D = %d say. "
        "Received: [%d, %d, %d, %d].",
        params->n, bytes, params->d, dims[0], dims[1], dims[2], dims[3]);
  }
  params->j = dims[1];
  params->e = dims[2];
  constants->bits = bits->data;
  return kTfLiteOk;
}

template <CapsType kType>
TfLiteStatus CapsOp<kType>::ReadScale(const OpContext& op, CapsParams* params,
                                      CapsConstants* constants) const {
  const TfLiteTensor* scale = op.Input(2);
  params->scale = ScaleMode::kNone;
  if (scale == nullptr) return kTfLiteOk;
  params->half_scale = scale->type == kTfLiteFloat16;
  const TfLiteType type = params->half_scale ? kTfLiteFloat16 : kTfLiteFloat32;
  if (op.CheckTensor(scale, "scale", type, -1) != kTfLiteOk) return kTfLiteError;
  if (op.CheckConstant(scale, "scale") != kTfLiteOk) return kTfLiteError;
  const TfLiteIntArray* dims = scale->dims;
  const bool nj = dims->size >= 2 && dims->data[0] == params->n && dims->data[1] == params->j;
  if (nj && dims->size == 2) {
    params->scale = ScaleMode::kCapsule;
  } else if (nj && dims->size == 3 && dims->data[2] == params->e) {
    params->scale = ScaleMode::kChannel;
  } else {
    return op.Error(
        "expected scale of shape [N=%d, J=%d, E=%d] or [N, J]. Received: rank %d, "
        "%zu bytes.",
        params->n, params->j, params->e, dims->size, scale->bytes);
  }
  constants->scale = scale->data;
  return kTfLiteOk;
}

template <CapsType kType>
TfLiteStatus CapsOp<kType>::ReadKernel(const OpContext& op, CapsParams* params,
                                       CapsConstants* constants) const {
  const TfLiteTensor* kernel = op.Input(1);
  params->half_kernel =
      kType == CapsType::kFc && kernel != nullptr && kernel->type == kTfLiteFloat16;
  const TfLiteType type = params->half_kernel ? kTfLiteFloat16 : kTfLiteFloat32;
  if (op.CheckTensor(kernel, "kernel", type, 4) != kTfLiteOk) return kTfLiteError;
  if (op.CheckConstant(kernel, "kernel") != kTfLiteOk) return kTfLiteError;
  const int* dims = kernel->dims->data;
  if (dims[0] != params->n || dims[2] != params->d || dims[1] < 1 || dims[3] < 1) {
    return op.Error(
        "expected kernel of shape [N=%d, J, D=%d, E], as the input says. "
        "Received: [%d, %d, %d, %d].",
        params->n, params->d, dims[0], dims[1], dims[2], dims[3]);
  }
  params->j = dims[1];
  params->e = dims[3];
  constants->kernel = kernel->data;
  return kTfLiteOk;
}

// The file's own shape for v must be [B, J, E]; none at all (rank 0) means not known.
template <CapsType kType>
TfLiteStatus CapsOp<kType>::CheckOutput(const OpContext& op, const CapsParams& params) const {
  const TfLiteTensor* v = op.Output(0);
  if (op.CheckTensor(v, "output", kTfLiteFloat32, -1) != kTfLiteOk) return kTfLiteError;
  const TfLiteIntArray* dims = v->dims;
  if (dims->size == 0) return kTfLiteOk;
  if (dims->size != 3 || dims->data[1] != params.j || dims->data[2] != params.e) {
    return op.Error("expected output of shape [B, J=%d, E=%d]. Received: rank %d, [%d, %d, %d].",
                    params.j, params.e, dims->size, dims->data[0],
                    dims->size > 1 ? dims->data[1] : 0, dims->size > 2 ? dims->data[2] : 0);
  }
  return kTfLiteOk;
}

template <CapsType kType>
TfLiteStatus CapsOp<kType>::Pack(const OpContext& op) {
  constexpr bool kOdr = kType == CapsType::kOdr;
  CapsParams params;
  CapsConstants constants;
  const TfLiteTensor* u = op.Input(0);
  params.n = u->dims->data[1];
  params.d = u->dims->data[2];
  if (params.n < 1 || params.d < 1) {
    return op.Error("expected input [B, N, D] with N and D of at least 1. Received: [%d, %d, %d].",
                    u->dims->data[0], params.n, params.d);
  }
  if (packed_ && params.n == layer_.params().n && params.d == layer_.params().d) return kTfLiteOk;
  packed_ = false;
  if (ReadOptions(op, &params) != kTfLiteOk) return kTfLiteError;
  if (kOdr ? ReadBits(op, &params, &constants) : ReadKernel(op, &params, &constants))
    return kTfLiteError;
  if (kOdr && ReadScale(op, &params, &constants) != kTfLiteOk) return kTfLiteError;
  if (CheckOutput(op, params) != kTfLiteOk) return kTfLiteError;
  switch (layer_.Pack(params, constants, op.isa().caps)) {
    case Status::kOk:
      break;
    case Status::kTooLarge:
      return op.Error("a layer of this size cannot be addressed.");
    default:
      return op.Error("out of memory for the constants.");
  }
  packed_ = true;
  return kTfLiteOk;
}

template <CapsType kType>
TfLiteStatus CapsOp<kType>::Prepare(const OpContext& op) {
  if (op.CheckCounts(2, kType == CapsType::kOdr ? 3 : 2, 1) != kTfLiteOk) return kTfLiteError;
  if (op.CheckInput(op.Input(0), "input", kTfLiteFloat32, 3) != kTfLiteOk) return kTfLiteError;
  if (Pack(op) != kTfLiteOk) return kTfLiteError;
  if (layer_.Reserve(op.threads()) != Status::kOk) return op.Error("out of memory.");
  batch_ = op.Input(0)->dims->data[0];
  const int dims[3] = {batch_, layer_.params().j, layer_.params().e};
  return op.ResizeOutput(0, 3, dims);
}

template <CapsType kType>
TfLiteStatus CapsOp<kType>::Invoke(const OpContext& op) {
  return op.Ran(layer_.Run(op.pool(), op.InputBytes(0), batch_, op.OutputBytes(0)));
}

}  // namespace

extern const OpType kOpXnCapsOdr, kOpXnCapsIdr, kOpXnCapsFc;
const OpType kOpXnCapsOdr = MakeOp<CapsOp<CapsType::kOdr>>("XnCapsOdr");
const OpType kOpXnCapsIdr = MakeOp<CapsOp<CapsType::kIdr>>("XnCapsIdr");
const OpType kOpXnCapsFc = MakeOp<CapsOp<CapsType::kFc>>("XnCapsFc");

}  // namespace xncaps
