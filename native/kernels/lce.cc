// What larq-compute-engine's ops share, and those that look at each value once.
#include "kernels/lce.h"

#include "kernels/sizes.h"
#include "kernels/thread_pool.h"

namespace xncaps {

bool Window::Place() {
  if (in < 1 || filter < 1 || stride < 1 || dilation < 1) return false;
  const int64_t extent = int64_t{filter - 1} * dilation + 1;
  if (extent > INT32_MAX) return false;
  if (!same && extent > in) return false;
  out = same ? (in - 1) / stride + 1 : static_cast<int>((in - extent) / stride) + 1;
  const int64_t missing = int64_t{out - 1} * stride + extent - in;
  pad = same && missing > 0 ? static_cast<int>(missing / 2) : 0;
  return true;
}

namespace {

// Below this many values a second thread costs more than it brings.
constexpr size_t kMinValuesPerThread = 1 << 16;
constexpr size_t kMostStrips = 64;  // of rows, handed out one by one

// Rows, in strips.
struct RowsJob {
  void (*run)(const RowsJob& job, size_t begin, size_t end);
  const LceKernels* kernels;
  const char* in;
  char* out;
  LceType type;
  size_t rows, cols;
  int first, second;
  size_t strip;  // rows of one
  TailView tail;
};

void RowsTask(void* argument, int index, int) {
  const RowsJob* job = static_cast<const RowsJob*>(argument);
  const size_t begin = static_cast<size_t>(index) * job->strip, end = begin + job->strip;
  job->run(*job, begin, end < job->rows ? end : job->rows);
}

void RunRows(ThreadPool* pool, RowsJob* job) {
  if (job->rows == 0 || job->cols == 0) return;  // as many rows of nothing as a file likes to say
  const size_t pieces = job->rows * job->cols / kMinValuesPerThread;
  if (pool == nullptr || pieces < 2) return job->run(*job, 0, job->rows);
  size_t strips = pieces * 4 < kMostStrips ? pieces * 4 : kMostStrips;
  if (strips > job->rows) strips = job->rows;
  job->strip = (job->rows - 1) / strips + 1;
  const size_t threads = static_cast<size_t>(pool->threads());
  pool->Run(RowsTask, job, static_cast<int>((job->rows - 1) / job->strip + 1),
            static_cast<int>(threads < pieces ? threads : pieces));
}

size_t Width(LceType type) { return type == LceType::kFloat ? 4 : 1; }

void QuantizeRows(const RowsJob& job, size_t begin, size_t end) {
  if (job.tail.count > 0) {
    const float* values = reinterpret_cast<const float*>(job.in);
    return job.kernels->pack_after(job.tail, values, begin, end, job.cols);
  }
  const char* in = job.in + begin * job.cols * Width(job.type);
  char* out = job.out + begin * ((job.cols + 31) / 32) * 4;
  if (job.type == LceType::kFloat) return job.kernels->pack_floats(in, end - begin, job.cols, out);
  job.kernels->pack_bytes(reinterpret_cast<const int8_t*>(in), end - begin, job.cols, job.first,
                          out);
}

void DequantizeRows(const RowsJob& job, size_t begin, size_t end) {
  const char* in = job.in + begin * ((job.cols + 31) / 32) * 4;
  char* out = job.out + begin * job.cols * Width(job.type);
  if (job.type == LceType::kFloat)
    return job.kernels->unpack_floats(in, end - begin, job.cols, out);
  job.kernels->unpack_bytes(in, end - begin, job.cols, static_cast<uint8_t>(job.first),
                            static_cast<uint8_t>(job.second), reinterpret_cast<uint8_t*>(out));
}

// Rows of the output; `shape` follows in memory that lives as long as the job.
struct PoolJob {
  RowsJob rows;
  const BmaxPool* shape;
};

void PoolRows(const RowsJob& rows, size_t begin, size_t end) {
  const BmaxPool& s = *reinterpret_cast<const PoolJob&>(rows).shape;
  const size_t pixel = static_cast<size_t>(s.words) * 4, in_row = pixel * s.x.in;
  for (size_t row = begin; row < end; ++row) {
    const char* item = rows.in + row / s.y.out * s.y.in * in_row;
    const int64_t top = static_cast<int64_t>(row % s.y.out) * s.y.stride - s.y.pad;
    const int64_t y0 = top < 0 ? 0 : top;
    const int64_t y1 = top + s.y.filter < s.y.in ? top + s.y.filter : s.y.in;
    for (int ox = 0; ox < s.x.out; ++ox) {
      const int64_t left = int64_t{ox} * s.x.stride - s.x.pad;
      const int64_t x0 = left < 0 ? 0 : left;
      const int64_t x1 = left + s.x.filter < s.x.in ? left + s.x.filter : s.x.in;
      char* to = rows.out + (row * s.x.out + ox) * pixel;
      memset(to, 0xff, pixel);
      for (int64_t y = y0; y < y1; ++y) {
        for (int64_t x = x0; x < x1; ++x)
          rows.kernels->and_bytes(item + y * in_row + x * pixel, pixel, to);
      }
    }
  }
}

}  // namespace

namespace {

size_t WordsOf(size_t cols) { return cols / kWordBits + (cols % kWordBits != 0); }

// Whether `in` holds [in_rows, in_cols] of in_width bytes and `out` likewise.
bool Fits(ConstBytes in, size_t in_rows, size_t in_cols, size_t in_width, Bytes out,
          size_t out_rows, size_t out_cols, size_t out_width) {
  Sizes sizes;
  const size_t in_bytes = sizes.Product(in_rows, in_cols, in_width);
  const size_t out_bytes = sizes.Product(out_rows, out_cols, out_width);
  return sizes.ok() && in.size >= in_bytes && out.size >= out_bytes;
}

}  // namespace

Status LceQuantize(const LceKernels& kernels, ThreadPool* pool, LceType type, ConstBytes in,
                   size_t rows, size_t cols, int zero_point, Bytes out, const TailStep* steps,
                   int count) {
  if (!Fits(in, rows, cols, Width(type), out, rows, WordsOf(cols), 4)) return Status::kTooSmall;
  // A bool is a byte of 0 or 1, and false, the less than 1, counts as negative.
  RowsJob job = {QuantizeRows,
                 &kernels,
                 static_cast<const char*>(in.data),
                 static_cast<char*>(out.data),
                 type,
                 rows,
                 cols,
                 type == LceType::kBool ? 1 : zero_point,
                 0,
                 1,
                 {steps, count, 0, static_cast<char*>(out.data)}};
  RunRows(pool, &job);
  return Status::kOk;
}

Status LceDequantize(const LceKernels& kernels, ThreadPool* pool, LceType type, ConstBytes in,
                     size_t rows, size_t cols, int clear, int set, Bytes out) {
  if (!Fits(in, rows, WordsOf(cols), 4, out, rows, cols, Width(type))) return Status::kTooSmall;
  const bool boolean = type == LceType::kBool;
  RowsJob job = {DequantizeRows,
                 &kernels,
                 static_cast<const char*>(in.data),
                 static_cast<char*>(out.data),
                 type,
                 rows,
                 cols,
                 boolean ? 1 : clear,
                 boolean ? 0 : set,
                 1,
                 {}};
  RunRows(pool, &job);
  return Status::kOk;
}

Status LceMaxPool(const LceKernels& kernels, ThreadPool* pool, const BmaxPool& shape, ConstBytes in,
                  int batch, Bytes out) {
  Sizes sizes;
  const size_t items = static_cast<size_t>(batch), pixel = static_cast<size_t>(shape.words) * 4;
  const size_t in_rows = sizes.Product(items, shape.y.in, shape.x.in);
  const size_t out_rows = sizes.Product(items, shape.y.out, shape.x.out);
  if (!sizes.ok() || !Fits(in, in_rows, pixel, 1, out, out_rows, pixel, 1))
    return Status::kTooSmall;
  PoolJob job = {{PoolRows,
                  &kernels,
                  static_cast<const char*>(in.data),
                  static_cast<char*>(out.data),
                  LceType::kFloat,
                  items * shape.y.out,
                  static_cast<size_t>(shape.x.out) * shape.words,
                  0,
                  0,
                  1,
                  {}},
                 &shape};
  RunRows(pool, &job.rows);
  return Status::kOk;
}

}  // namespace xncaps
