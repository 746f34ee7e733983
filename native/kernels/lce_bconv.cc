// Runs a binary convolution, its output rows handed out among threads.
#include "kernels/lce.h"
#include "kernels/sizes.h"
#include "kernels/thread_pool.h"

namespace xncaps {
namespace {

constexpr int kStripPixels = 128;  // output pixels of one strip, about
// Below this many products of signs a second thread costs more than it brings.
constexpr double kMinBitsPerThread = 8e6;
constexpr int kStripsPerThread = 4;  // at least, of one item: a thread on a slower core takes fewer
constexpr int64_t kMostTasks = 1 << 20;

size_t RoundUp(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

// Runs of codes that lie side by side in the padded rows, cut into chunks.
Status BconvLayer::Segments() {
  BconvView& v = view_;
  const int codes_of_word = kWordBits / kernels_->layout.code_bits;
  const int most = kernels_->layout.chunk;
  const int chunks = (v.filter_codes - 1) / most + 1;
  const int words = v.filter_codes / codes_of_word;
  const int length = ((words - 1) / chunks + 1) * codes_of_word;  // of a chunk, as equal as can be
  const size_t taps = static_cast<size_t>(v.filter_h) * v.filter_w;
  const size_t room = taps + static_cast<size_t>(chunks);
  if (!segments_.Reserve(room * sizeof(BconvSegment) + (room + 1) * sizeof(int)))
    return Status::kNoMemory;
  BconvSegment* segments = segments_.as<BconvSegment>();
  int* begins = reinterpret_cast<int*>(segments + room);
  int count = 0, chunk = 0, in_chunk = 0;
  begins[0] = 0;
  for (size_t tap = 0; tap < taps; ++tap) {
    int offset = static_cast<int>(tap / v.filter_w) * v.dilation_h * v.row_codes +
                 static_cast<int>(tap % v.filter_w) * v.dilation_w * v.pixel_codes;
    for (int left = v.group_codes; left > 0;) {
      if (in_chunk == length) begins[++chunk] = count, in_chunk = 0;
      const int room_left = length - in_chunk;
      const int n = left < room_left ? left : room_left;
      BconvSegment* last = count > begins[chunk] ? &segments[count - 1] : nullptr;
      if (last != nullptr && last->offset + last->length == offset)
        last->length += n;
      else
        segments[count++] = {offset, n};
      in_chunk += n, offset += n, left -= n;
    }
  }
  begins[++chunk] = count;
  v.segments = segments;
  v.chunks = begins;
  v.chunk_count = chunk;
  return Status::kOk;
}

Status BconvLayer::Resize(int in_h, int in_w, int threads) {
  BconvView& v = view_;
  params_.y.in = v.in_h = in_h;
  params_.x.in = v.in_w = in_w;
  if (!params_.y.Place() || !params_.x.Place()) return Status::kTooLarge;
  v.out_h = params_.y.out, v.out_w = params_.x.out;
  v.pad_top = params_.y.pad, v.pad_left = params_.x.pad;
  const BconvLayout& layout = kernels_->layout;
  const size_t counts = RoundUp(static_cast<size_t>(kTilePixels) * layout.super * layout.block *
                                static_cast<size_t>(layout.count_bytes));
  const int64_t width =
      (v.out_w - 1) * int64_t{v.stride_w} + (v.filter_w - 1) * int64_t{v.dilation_w} + 1;
  strip_rows_ = (kStripPixels - 1) / v.out_w + 1;
  const int share = (v.out_h - 1) / (threads * kStripsPerThread) + 1;
  if (threads > 1 && strip_rows_ > share) strip_rows_ = share;
  size_t rows = 0;
  for (;; strip_rows_ = (strip_rows_ + 1) / 2) {  // strides far apart: as few rows as it takes
    const int64_t height =
        (strip_rows_ - 1) * int64_t{v.stride_h} + (v.filter_h - 1) * int64_t{v.dilation_h} + 1;
    Sizes sizes;
    rows = sizes.Product(static_cast<size_t>(width), v.pixel_codes, layout.code_bytes,
                         static_cast<size_t>(height));
    if (sizes.ok() && RoundUp(rows) + counts <= kMaxScratchBytes) break;
    if (strip_rows_ == 1) return Status::kOverLimit;
  }
  v.row_pixels = static_cast<int>(width);
  v.row_codes = v.row_pixels * v.pixel_codes;
  rows_bytes_ = RoundUp(rows);
  scratch_stride_ = rows_bytes_ + counts;
  const size_t room = kMaxScratchBytes / scratch_stride_;  // at least 1
  threads_ = static_cast<size_t>(threads) < room ? threads : static_cast<int>(room);
  const bool reserved = scratch_.Reserve(scratch_stride_ * static_cast<size_t>(threads_));
  return reserved ? Segments() : Status::kNoMemory;
}

// Strips of all items one after the other; task i is the i-th part of them.
struct BconvLayer::Job {
  BconvLayer* layer;
  const char* in;
  char* out;
  const BconvTail* tail;
  int64_t strips;  // of one item
  int64_t total;
  int64_t tasks;
};

void BconvLayer::Task(void* argument, int index, int worker) {
  const Job* job = static_cast<const Job*>(argument);
  const BconvLayer* layer = job->layer;
  const BconvView& v = layer->view_;
  char* memory = layer->scratch_.as<char>() + static_cast<size_t>(worker) * layer->scratch_stride_;
  const BconvScratch scratch = {memory, memory + layer->rows_bytes_};
  const size_t in_bytes = static_cast<size_t>(v.in_h) * v.in_w * v.in_words * 4;
  const size_t width = v.output == LceOutput::kInt8 ? 1 : 4;
  const size_t out_bytes = static_cast<size_t>(v.out_h) * v.out_w * layer->out_depth() * width;
  const int64_t end = job->total * (index + 1) / job->tasks;
  for (int64_t i = job->total * index / job->tasks; i < end; ++i) {
    const size_t item = static_cast<size_t>(i / job->strips);
    const int begin = static_cast<int>(i % job->strips) * layer->strip_rows_;
    const int stop = v.out_h - begin < layer->strip_rows_ ? v.out_h : begin + layer->strip_rows_;
    const TailView tail = {job->tail->steps, job->tail->count, item * v.out_h * v.out_w,
                           static_cast<char*>(job->tail->bits.data)};
    layer->kernels_->bconv(v, tail, scratch, job->in + item * in_bytes, job->out + item * out_bytes,
                           begin, stop);
  }
}

Status BconvLayer::Run(ThreadPool* pool, ConstBytes in, int batch, Bytes out,
                       const BconvTail& tail) {
  const BconvView& v = view_;
  Sizes sizes;
  const size_t items = static_cast<size_t>(batch);
  const size_t in_bytes = sizes.Product(items, v.in_h, v.in_w, v.in_words, 4);
  const size_t width = v.output == LceOutput::kInt8 ? 1 : 4;
  const size_t out_bytes = sizes.Product(items, v.out_h, v.out_w, out_depth(), width);
  const size_t bits_bytes = sizes.Product(items, v.out_h, v.out_w, v.out_words, 4);
  if (!sizes.ok() || in.size < in_bytes || out.size < out_bytes) return Status::kTooSmall;
  if (tail.bits.data != nullptr && tail.bits.size < bits_bytes) return Status::kTooSmall;
  Job job = {this,  static_cast<const char*>(in.data), static_cast<char*>(out.data),
             &tail, (v.out_h - 1) / strip_rows_ + 1,   0,
             1};
  job.total = job.strips * batch;
  int threads = pool == nullptr ? 1 : pool->threads();
  threads = threads < threads_ ? threads : threads_;
  const double bits = static_cast<double>(batch) * v.out_h * v.out_w * v.out_c * v.filter_codes *
                      kernels_->layout.code_bits;
  if (threads > bits / kMinBitsPerThread) threads = static_cast<int>(bits / kMinBitsPerThread);
  if (threads > 1) {
    job.tasks = job.total < kMostTasks ? job.total : kMostTasks;
    pool->Run(Task, &job, static_cast<int>(job.tasks), threads);
  } else if (job.total > 0) {
    Task(&job, 0, 0);
  }
  return Status::kOk;
}

}  // namespace xncaps
