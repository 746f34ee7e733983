#include "kernels/caps.h"

#include "kernels/half.h"
#include "kernels/sizes.h"
#include "kernels/thread_pool.h"

namespace xncaps {
namespace {

struct WorkLayout {
  size_t uhat, logits, beta, xbits, ut, mabs, masks, v, total;
};

bool LayoutWork(const CapsView& s, WorkLayout* at) {
  Sizes sizes;
  const size_t nb = s.blocks, row = sizes.Product(nb, s.j, kBlock);
  const bool odr = s.type == CapsType::kOdr, idr = s.type == CapsType::kIdr;
  at->uhat = sizes.Take(sizes.Product(row, s.e, s.int8_uhat ? 1 : 4));
  at->logits = sizes.Take(sizes.Product(row, 4));
  at->beta = sizes.Take(odr ? sizes.Product(nb, kBlock, 4) : 0);
  at->xbits = sizes.Take(odr ? sizes.Product(nb, s.d_bytes, kBlock) : 0);
  at->ut = sizes.Take(odr ? 0 : sizes.Product(nb, kBlock, s.d_bytes, 8, 4));
  at->mabs = sizes.Take(idr ? sizes.Product(row, 4) : 0);
  at->masks = sizes.Take(idr ? sizes.Product(row, s.e_bytes) : 0);
  at->v = sizes.Take(sizes.Product(s.j, s.e, 4));
  at->total = sizes.total();
  return sizes.ok();
}

struct ScratchLayout {
  size_t acc, ct, vmask, vabs, total;
};

bool LayoutScratch(const CapsView& s, ScratchLayout* at) {
  Sizes sizes;
  at->acc = sizes.Take(sizes.Product(s.j, s.e, kGroup, 4));
  at->ct = sizes.Take(sizes.Product(s.j, kBlock, 4));
  at->vmask = sizes.Take(sizes.Product(s.j, s.e_bytes));
  at->vabs = sizes.Take(sizes.Product(s.j, 4));
  at->total = sizes.total();
  return sizes.ok();
}

// Below this many elements of u_hat a second thread costs more than it brings.
constexpr size_t kMinElementsPerThread = 40000;
size_t ElementsOf(const CapsView& s) { return static_cast<size_t>(s.n) * s.j * s.e; }

}  // namespace

Status CapsLayer::Pack(const CapsParams& params, const CapsConstants& constants,
                       const CapsKernels* kernels) {
  params_ = params;
  kernels_ = kernels;
  threads_ = 0;
  sizes_ = CapsView();
  sizes_.type = params.type;
  sizes_.scale_mode = params.scale;
  sizes_.n = params.n;
  sizes_.d = params.d;
  sizes_.j = params.j;
  sizes_.e = params.e;
  sizes_.blocks = (params.n - 1) / kBlock + 1;
  sizes_.d_bytes = (params.d - 1) / 8 + 1;
  sizes_.e_bytes = (params.e - 1) / 8 + 1;
  sizes_.int8_uhat = params.type == CapsType::kOdr && params.scale != ScaleMode::kChannel &&
                     sizes_.d_bytes <= kMaxByteSum;
  sizes_.half_kernel = params.half_kernel && kernels->half_kernel;
  if (params.type != CapsType::kOdr) return PackKernel(constants);
  const Status status = PackBits(constants);
  return status == Status::kOk ? PackScale(constants) : status;
}

Status CapsLayer::PackBits(const CapsConstants& constants) {
  const CapsView& s = sizes_;
  Sizes sizes;
  const size_t bytes = sizes.Product(s.blocks, kBlock, s.j, s.e, s.d_bytes);
  if (!sizes.ok()) return Status::kTooLarge;
  if (!bits_.Reserve(bytes)) return Status::kNoMemory;
  const uint8_t last = static_cast<uint8_t>(0xff >> (8 * s.d_bytes - s.d));  // no stray bits
  const size_t je = static_cast<size_t>(s.j) * s.e;
  const uint8_t* from = static_cast<const uint8_t*>(constants.bits);
  memset(bits_.data(), 0, bytes);
  for (size_t n = 0; n < static_cast<size_t>(s.n); ++n) {
    const size_t lane = n % kBlock, vectors = kBlock / kGroup;
    const size_t place = kernels_->interleaved ? lane % kGroup * vectors + lane / kGroup : lane;
    uint8_t* block = bits_.as<uint8_t>() + n / kBlock * je * s.d_bytes * kBlock + place;
    for (size_t i = 0; i < je; ++i) {
      for (int db = 0; db < s.d_bytes; ++db) {
        const uint8_t byte = *from++;
        block[(i * s.d_bytes + db) * kBlock] = db + 1 == s.d_bytes ? byte & last : byte;
      }
    }
  }
  sizes_.bits = bits_.as<uint8_t>();
  return Status::kOk;
}

Status CapsLayer::PackScale(const CapsConstants& constants) {
  const CapsView& s = sizes_;
  if (s.scale_mode == ScaleMode::kNone) return Status::kOk;
  const size_t row = static_cast<size_t>(s.j) * (s.scale_mode == ScaleMode::kChannel ? s.e : 1);
  Sizes sizes;
  const size_t bytes = sizes.Product(s.blocks, kBlock, row, sizeof(float));
  if (!sizes.ok()) return Status::kTooLarge;
  if (!scale_.Reserve(bytes)) return Status::kNoMemory;
  memset(scale_.data(), 0, bytes);
  // Not after the product: a large scale would overflow in between.
  const bool in_bytes = s.scale_mode == ScaleMode::kChannel && s.d_bytes <= kMaxByteSum;
  const float unit = in_bytes ? 1.0f / kernels_->sum_unit : 1.0f;
  for (size_t n = 0; n < static_cast<size_t>(s.n); ++n) {
    float* block = scale_.as<float>() + n / kBlock * row * kBlock + n % kBlock;
    for (size_t i = 0; i < row; ++i) {
      const float value = params_.half_scale
                              ? HalfToFloat(LoadUnaligned<uint16_t>(constants.scale, n * row + i))
                              : LoadUnaligned<float>(constants.scale, n * row + i);
      block[i * kBlock] = value * unit;
    }
  }
  sizes_.scale = scale_.as<float>();
  return Status::kOk;
}

Status CapsLayer::PackKernel(const CapsConstants& constants) {
  const CapsView& s = sizes_;
  const size_t width = s.half_kernel ? sizeof(uint16_t) : sizeof(float);
  Sizes sizes;
  const size_t elements = sizes.Product(s.blocks, kBlock, s.j, s.e, s.d);
  const size_t bytes = sizes.Product(elements, width);
  if (!sizes.ok()) return Status::kTooLarge;
  if (!kernel_.Reserve(bytes)) return Status::kNoMemory;
  memset(kernel_.data(), 0, bytes);
  const size_t groups = static_cast<size_t>(s.blocks) * kBlock / kGroup;
  size_t from = 0;  // walks [N][J][D][E]
  for (size_t n = 0; n < static_cast<size_t>(s.n); ++n) {
    for (size_t j = 0; j < static_cast<size_t>(s.j); ++j) {
      const size_t group = (j * groups + n / kGroup) * s.e * s.d * kGroup + n % kGroup;
      for (size_t d = 0; d < static_cast<size_t>(s.d); ++d) {
        for (size_t e = 0; e < static_cast<size_t>(s.e); ++e, ++from) {
          const size_t to = group + (e * s.d + d) * kGroup;
          if (!params_.half_kernel) {
            kernel_.as<float>()[to] = LoadUnaligned<float>(constants.kernel, from);
            continue;
          }
          const uint16_t half = LoadUnaligned<uint16_t>(constants.kernel, from);
          if (s.half_kernel)
            kernel_.as<uint16_t>()[to] = half;
          else
            kernel_.as<float>()[to] = HalfToFloat(half);
        }
      }
    }
  }
  sizes_.kernel = kernel_.data();
  return Status::kOk;
}

Status CapsLayer::Reserve(int threads) {
  if (threads <= threads_) return Status::kOk;
  WorkLayout work;
  ScratchLayout scratch;
  if (!LayoutWork(sizes_, &work) || !LayoutScratch(sizes_, &scratch)) return Status::kTooLarge;
  Sizes sizes;
  const size_t work_bytes = sizes.Product(work.total, threads);
  const size_t scratch_bytes = sizes.Product(scratch.total, threads);
  if (!sizes.ok()) return Status::kTooLarge;
  if (!work_.Reserve(work_bytes) || !scratch_.Reserve(scratch_bytes)) return Status::kNoMemory;
  work_stride_ = work.total;
  scratch_stride_ = scratch.total;
  threads_ = threads;
  return Status::kOk;
}

CapsView CapsLayer::View(int slot) const {
  WorkLayout at;
  LayoutWork(sizes_, &at);
  char* base = work_.as<char>() + static_cast<size_t>(slot) * work_stride_;
  CapsView view = sizes_;
  view.uhat = base + at.uhat;
  view.logits = reinterpret_cast<float*>(base + at.logits);
  view.beta = reinterpret_cast<float*>(base + at.beta);
  view.xbits = reinterpret_cast<uint8_t*>(base + at.xbits);
  view.ut = reinterpret_cast<float*>(base + at.ut);
  view.mabs = reinterpret_cast<float*>(base + at.mabs);
  view.masks = reinterpret_cast<uint8_t*>(base + at.masks);
  view.v = reinterpret_cast<float*>(base + at.v);
  return view;
}

// What `worker` uses while it works at a strip of the item in `slot`. Strips have sums of their
// own: those of the workers with their numbers, for an item is in several strips only if it is
// alone.
CapsScratch CapsLayer::Scratch(int worker, int strip, int slot) const {
  ScratchLayout at;
  LayoutScratch(sizes_, &at);
  char* base = scratch_.as<char>() + static_cast<size_t>(worker) * scratch_stride_;
  char* sums = scratch_.as<char>() + static_cast<size_t>(slot + strip) * scratch_stride_;
  CapsScratch scratch;
  scratch.acc = reinterpret_cast<float*>(sums + at.acc);
  scratch.ct = reinterpret_cast<float*>(base + at.ct);
  scratch.vmask = reinterpret_cast<uint8_t*>(base + at.vmask);
  scratch.vabs = reinterpret_cast<float*>(base + at.vabs);
  return scratch;
}

// One phase of one item, strip by strip.
struct CapsLayer::StripJob {
  CapsLayer* layer;
  CapsView view;
  const float* u;  // null: a routing turn, else the projection
  bool first;
  int slot, strips, threads;
};

void CapsLayer::StripTask(void* argument, int index, int worker) {
  const StripJob* job = static_cast<const StripJob*>(argument);
  // The first turn from the end, as its kernel does within a strip.
  const int strip = job->first ? ThreadPool::Mirrored(index, job->strips, job->threads) : index;
  const CapsLayer* layer = job->layer;
  const CapsScratch scratch = layer->Scratch(worker, strip, job->slot);
  const int64_t blocks = job->view.blocks, strips = job->strips;
  const int begin = static_cast<int>(blocks * strip / strips);
  const int end = static_cast<int>(blocks * (strip + 1) / strips);
  if (job->u != nullptr)
    layer->kernels_->project(job->view, scratch, job->u, begin, end);
  else
    layer->kernels_->turn(job->view, scratch, job->first, begin, end);
}

// One item with the memory of `slot`, on several threads or right here.
void CapsLayer::RunItem(ThreadPool* pool, int threads, int slot, bool backwards, const float* u,
                        float* v) {
  if (threads < 1) threads = 1;
  // One each: more would balance unequal cores better, but their sums go from core to core in each
  // of the phases, which then takes longer than one thread does alone.
  const int strips = threads;
  StripJob job = {this, View(slot), u, false, slot, strips, threads};
  job.view.backwards = backwards;
  const float* sums[kMaxThreads];
  for (int i = 0; i < strips; ++i) sums[i] = Scratch(slot, i, slot).acc;
  const int turns = params_.r;
  for (int turn = 0; turn < turns; ++turn) {
    job.u = turn == 0 ? u : nullptr;
    job.first = turn == 1;
    if (threads > 1)
      pool->Run(StripTask, &job, strips, threads);
    else
      StripTask(&job, 0, slot);
    const float factor = turn == 0 ? 1.0f / static_cast<float>(job.view.j) : 1.0f;
    kernels_->squash(job.view, sums, strips, factor, turn == turns - 1 ? v : job.view.v);
  }
}

struct CapsLayer::BatchJob {
  CapsLayer* layer;
  const float* u;
  float* v;
};

void CapsLayer::BatchTask(void* argument, int item, int worker) {
  const BatchJob* job = static_cast<const BatchJob*>(argument);
  const CapsView& s = job->layer->sizes_;
  const bool backwards = (job->layer->runs_ + static_cast<unsigned>(item)) % 2 != 0;
  job->layer->RunItem(nullptr, 1, worker, backwards, job->u + static_cast<size_t>(item) * s.n * s.d,
                      job->v + static_cast<size_t>(item) * s.j * s.e);
}

Status CapsLayer::Run(ThreadPool* pool, ConstBytes in, int batch, Bytes out) {
  Sizes sizes;
  const size_t items = static_cast<size_t>(batch);
  const size_t in_bytes = sizes.Product(items, sizes_.n, sizes_.d, sizeof(float));
  const size_t out_bytes = sizes.Product(items, sizes_.j, sizes_.e, sizeof(float));
  if (!sizes.ok() || in.size < in_bytes || out.size < out_bytes) return Status::kTooSmall;
  const float* u = static_cast<const float*>(in.data);
  float* v = static_cast<float*>(out.data);
  ++runs_;
  int threads = pool == nullptr ? 1 : pool->threads();
  threads = threads < threads_ ? threads : threads_;
  if (batch == 1) {
    const size_t pieces = ElementsOf(sizes_) / kMinElementsPerThread;
    if (pieces < static_cast<size_t>(threads)) threads = static_cast<int>(pieces);
    if (threads > sizes_.blocks) threads = sizes_.blocks;
    RunItem(pool, threads, 0, runs_ % 2 != 0, u, v);
    return Status::kOk;
  }
  BatchJob job = {this, u, v};
  if (threads > 1) {
    pool->Run(BatchTask, &job, batch, threads);
  } else {
    for (int item = 0; item < batch; ++item) BatchTask(&job, item, 0);
  }
  return Status::kOk;
}

}  // namespace xncaps
