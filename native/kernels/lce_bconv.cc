// Packs a binary convolution for one instruction set and splits its runs among threads.
#include "kernels/lce.h"
#include "kernels/rounded.h"
#include "kernels/sizes.h"
#include "kernels/thread_pool.h"

namespace xncaps {

extern const LceKernels kLcePortable;

namespace {

constexpr int kStripPixels = 128;  // output pixels of one strip, about
// Below this many products of signs a second thread costs more than it brings.
constexpr double kMinBitsPerThread = 8e6;

size_t RoundUp(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

uint32_t CodeOf(uint32_t word, int index, int bits) {
  return bits == 32 ? word : word >> (index * bits) & ((1u << bits) - 1);
}

int Ones(uint32_t word) {
  int count = 0;
  for (; word != 0; word &= word - 1) ++count;
  return count;
}

}  // namespace

Status BconvLayer::Pack(const BconvParams& params, const BconvConstants& constants,
                        const LceKernels* kernels) {
  params_ = params;
  const int words = WordsOf(params.in_c), group_words = words / params.groups;
  Sizes sizes;
  const size_t taps = sizes.Product(params.y.filter, params.x.filter);
  const size_t bits = sizes.Product(taps, group_words, kWordBits);
  if (!sizes.ok() || bits > static_cast<size_t>(kLcePortable.layout.max_bits))
    return Status::kTooLarge;
  // Counts of 16 bits are enough for all but absurd filters.
  const bool fits = bits <= static_cast<size_t>(kernels->layout.max_bits);
  kernels_ = fits ? kernels : &kLcePortable;
  const BconvLayout& layout = kernels_->layout;
  const int codes_of_word = kWordBits / layout.code_bits;

  BconvView& v = view_ = BconvView();
  v.output = params.output;
  v.zero_padding = params.zero_padding;
  v.in_words = words;
  v.out_c = params.out_c;
  v.out_words = WordsOf(params.out_c);
  v.filter_h = params.y.filter, v.filter_w = params.x.filter;
  v.stride_h = params.y.stride, v.stride_w = params.x.stride;
  v.dilation_h = params.y.dilation, v.dilation_w = params.x.dilation;
  v.groups = params.groups;
  v.group_c = params.out_c / params.groups;
  v.group_codes = group_words * codes_of_word;
  v.group_blocks = (v.group_c - 1) / layout.block + 1;
  v.filter_codes = static_cast<int>(taps) * v.group_codes;
  v.pixel_codes = words * codes_of_word;
  Status status = PackFilter(constants.filter);
  if (status == Status::kOk) status = PackTransform(constants);
  if (status == Status::kOk && params.zero_padding) status = PackTapSums(constants);
  return status;
}

// To [groups][supers][codes][blocks of the super][block].
Status BconvLayer::PackFilter(const void* filter) {
  const BconvView& v = view_;
  const BconvLayout& layout = kernels_->layout;
  const int codes_of_word = kWordBits / layout.code_bits;
  const size_t words = static_cast<size_t>(v.filter_codes) / codes_of_word;
  Sizes sizes;
  const size_t channels = sizes.Product(v.groups, v.group_blocks, layout.block);
  const size_t bytes = sizes.Product(channels, v.filter_codes, layout.code_bytes);
  if (!sizes.ok()) return Status::kTooLarge;
  if (!filter_.Reserve(bytes)) return Status::kNoMemory;
  memset(filter_.data(), 0, bytes);
  size_t at = 0;  // the super's first code
  for (int group = 0; group < v.groups; ++group) {
    for (int block = 0; block < v.group_blocks; block += layout.super) {
      const int left = v.group_blocks - block;
      const int lanes = (left < layout.super ? left : layout.super) * layout.block;
      for (int lane = 0; lane < lanes; ++lane) {
        const int channel = block * layout.block + lane / layout.block * layout.block +
                            layout.lanes[lane % layout.block];
        if (channel >= v.group_c) continue;
        const size_t from = (static_cast<size_t>(group) * v.group_c + channel) * words;
        for (size_t k = 0; k < static_cast<size_t>(v.filter_codes); ++k) {
          const uint32_t word = LoadUnaligned<uint32_t>(filter, from + k / codes_of_word);
          const uint32_t code = CodeOf(word, static_cast<int>(k % codes_of_word), layout.code_bits);
          const size_t to = at + k * lanes + lane;
          if (layout.code_bytes == 1)
            filter_.as<uint8_t>()[to] = static_cast<uint8_t>(code);
          else
            filter_.as<uint32_t>()[to] = code;
        }
      }
      at += static_cast<size_t>(v.filter_codes) * lanes;
    }
  }
  view_.filter = filter_.data();
  return Status::kOk;
}

// What LCE makes of a count: the sum of signs is bits - 2 * count; clamp it, multiply, add.
Status BconvLayer::PackTransform(const BconvConstants& constants) {
  BconvView& v = view_;
  const int block = kernels_->layout.block;
  const size_t lanes = static_cast<size_t>(v.groups) * v.group_blocks * block;
  if (!multiplier_.Reserve(lanes * 4) || !bias_.Reserve(lanes * 4) ||
      !thresholds_.Reserve(lanes * 4)) {
    return Status::kNoMemory;
  }
  v.multiplier = multiplier_.as<float>();
  v.bias = bias_.as<float>();
  v.thresholds = thresholds_.as<int32_t>();
  const int bits = v.filter_h * v.filter_w * (params_.in_c / params_.groups);
  int low = INT32_MIN, high = INT32_MAX;
  if (params_.activation == LceActivation::kReluN1To1) low = -1, high = 1;
  if (params_.activation == LceActivation::kRelu) low = 0;
  if (params_.activation == LceActivation::kRelu6) low = 0, high = 6;
  v.clamp_min = bits - (high < bits ? high : bits);
  v.clamp_max = bits - (low > -bits ? low : -bits);
  for (int c = 0; c < v.out_c; ++c) {
    const size_t at = static_cast<size_t>(c / v.group_c) * v.group_blocks * block + c % v.group_c;
    if (params_.output == LceOutput::kBits) {
      thresholds_.as<int32_t>()[at] = LoadUnaligned<int32_t>(constants.thresholds, c);
      continue;
    }
    const double worth = static_cast<double>(LoadUnaligned<float>(constants.multiplier, c));
    const double bias = static_cast<double>(LoadUnaligned<float>(constants.bias, c));
    const double shift = Rounded((bias + Rounded(bits * worth)) / params_.scale);
    multiplier_.as<float>()[at] = static_cast<float>(-worth / params_.scale);
    bias_.as<float>()[at] = static_cast<float>(shift + params_.zero_point);
  }
  return Status::kOk;
}

// Sums of the filter's signs over the taps above and left of each corner.
Status BconvLayer::PackTapSums(const BconvConstants& constants) {
  BconvView& v = view_;
  const size_t channels = static_cast<size_t>(v.out_c);
  const size_t row = (static_cast<size_t>(v.filter_w) + 1) * channels;
  Sizes sizes;
  const size_t count = sizes.Product(static_cast<size_t>(v.filter_h) + 1,
                                     static_cast<size_t>(v.filter_w) + 1, channels);
  if (!sizes.ok()) return Status::kTooLarge;
  if (!tap_sums_.Reserve(count * 4) || !tap_worth_.Reserve(channels * 4)) return Status::kNoMemory;
  int32_t* sums = tap_sums_.as<int32_t>();
  memset(sums, 0, count * 4);
  const size_t words = static_cast<size_t>(v.in_words) / v.groups;
  const int in_c = params_.in_c / params_.groups;
  for (size_t c = 0; c < channels; ++c) {
    if (in_c % 2 != 0) tap_worth_.as<float>()[c] = LoadUnaligned<float>(constants.multiplier, c);
    for (int y = 0; y < v.filter_h; ++y) {
      for (int x = 0; x < v.filter_w; ++x) {
        int sum = in_c;
        const size_t from = ((c * v.filter_h + y) * v.filter_w + x) * words;
        for (size_t w = 0; w < words; ++w)
          sum -= 2 * Ones(LoadUnaligned<uint32_t>(constants.filter, from + w));
        const size_t at = static_cast<size_t>(y) * row + static_cast<size_t>(x) * channels + c;
        sums[at + row + channels] = sum + sums[at + row] + sums[at + channels] - sums[at];
      }
    }
  }
  v.tap_sums = sums;
  v.tap_worth = in_c % 2 != 0 ? tap_worth_.as<float>() : nullptr;
  return Status::kOk;
}

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
  const int share = (v.out_h - 1) / threads + 1;  // a single item is split among all threads
  if (strip_rows_ > share) strip_rows_ = share;
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

// Strips of all items one after the other; thread t takes the t-th part of them.
struct BconvLayer::Job {
  BconvLayer* layer;
  const char* in;
  char* out;
  int64_t strips;  // of one item
  int64_t total;
  int threads;
};

void BconvLayer::Task(void* argument, int thread) {
  const Job* job = static_cast<const Job*>(argument);
  const BconvLayer* layer = job->layer;
  const BconvView& v = layer->view_;
  char* memory = layer->scratch_.as<char>() + static_cast<size_t>(thread) * layer->scratch_stride_;
  const BconvScratch scratch = {memory, memory + layer->rows_bytes_};
  const size_t in_bytes = static_cast<size_t>(v.in_h) * v.in_w * v.in_words * 4;
  const size_t width = v.output == LceOutput::kInt8 ? 1 : 4;
  const size_t out_bytes = static_cast<size_t>(v.out_h) * v.out_w * layer->out_depth() * width;
  const int64_t end = job->total * (thread + 1) / job->threads;
  for (int64_t i = job->total * thread / job->threads; i < end; ++i) {
    const size_t item = static_cast<size_t>(i / job->strips);
    const int begin = static_cast<int>(i % job->strips) * layer->strip_rows_;
    const int stop = v.out_h - begin < layer->strip_rows_ ? v.out_h : begin + layer->strip_rows_;
    layer->kernels_->bconv(v, scratch, job->in + item * in_bytes, job->out + item * out_bytes,
                           begin, stop);
  }
}

Status BconvLayer::Run(ThreadPool* pool, ConstBytes in, int batch, Bytes out) {
  const BconvView& v = view_;
  Sizes sizes;
  const size_t items = static_cast<size_t>(batch);
  const size_t in_bytes = sizes.Product(items, v.in_h, v.in_w, v.in_words, 4);
  const size_t width = v.output == LceOutput::kInt8 ? 1 : 4;
  const size_t out_bytes = sizes.Product(items, v.out_h, v.out_w, out_depth(), width);
  if (!sizes.ok() || in.size < in_bytes || out.size < out_bytes) return Status::kTooSmall;
  Job job = {this,
             static_cast<const char*>(in.data),
             static_cast<char*>(out.data),
             (v.out_h - 1) / strip_rows_ + 1,
             0,
             1};
  job.total = job.strips * batch;
  int threads = pool == nullptr ? 1 : pool->threads();
  threads = threads < threads_ ? threads : threads_;
  const double bits = static_cast<double>(batch) * v.out_h * v.out_w * v.out_c * v.filter_codes *
                      kernels_->layout.code_bits;
  if (threads > bits / kMinBitsPerThread) threads = static_cast<int>(bits / kMinBitsPerThread);
  if (threads > job.total) threads = static_cast<int>(job.total);
  if (threads > 1) {
    job.threads = threads;
    pool->Run(Task, &job, threads);
  } else if (job.total > 0) {
    Task(&job, 0);
  }
  return Status::kOk;
}

}  // namespace xncaps
