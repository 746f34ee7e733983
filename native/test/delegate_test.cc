// The delegate on a stand-in context: what it claims, what it refuses and what it says.
#include "delegate/delegate.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <math.h>
#include <unistd.h>

#include <thread>

#include "test/fake_context.h"
#include "xncaps/xncaps.h"

extern "C" struct TfLiteDelegate* tflite_plugin_create_delegate(const char* const* keys,
                                                                const char* const* values,
                                                                size_t count,
                                                                void (*report_error)(const char*));
extern "C" void tflite_plugin_destroy_delegate(struct TfLiteDelegate* delegate);

namespace xncaps {
namespace {

using testing_support::FakeContext;
using tflite::kTfLiteError;
using tflite::kTfLiteFloat16;
using tflite::kTfLiteFloat32;
using tflite::kTfLiteOk;
using tflite::kTfLiteUInt8;

// {"routing_iterations": R, "version": V} as FlexBuffers.
std::vector<uint8_t> Options(uint8_t turns = 3, uint8_t version = 1) {
  const char text[] = "routing_iterations\0version";
  std::vector<uint8_t> bytes(text, text + sizeof text);
  for (int x :
       {2, 28, 10, 2, 1, 2, static_cast<int>(turns), static_cast<int>(version), 4, 4, 4, 36, 1}) {
    bytes.push_back(static_cast<uint8_t>(x));
  }
  return bytes;
}

// One XnCapsOdr: u [B,5,8], bits [5,3,4,1], scale [5,3,4] -> v [B,3,4].
struct Odr {
  FakeContext fake;
  int u, bits, scale, v;
  tflite::TfLiteDelegate* delegate;
  bool own_delegate = true;

  explicit Odr(const std::vector<uint8_t>& options = Options(),
               std::vector<int> bit_dims = {5, 3, 4, 1}, std::vector<int> scale_dims = {5, 3, 4},
               size_t scale_bytes = 240, std::vector<int> v_dims = {2, 3, 4}) {
    std::vector<uint8_t> constant(4096, 0x35);
    for (size_t i = 0; i < 1024; ++i) {
      const float value = 0.1f + 0.001f * static_cast<float>(i);
      memcpy(&constant[4 * i], &value, 4);
    }
    u = fake.AddTensor(kTfLiteFloat32, {2, 5, 8});
    size_t bit_bytes = 1;
    for (int d : bit_dims) bit_bytes *= static_cast<size_t>(d);
    bits = fake.AddTensor(kTfLiteUInt8, bit_dims, constant.data(), bit_bytes);
    scale = fake.AddTensor(kTfLiteFloat32, scale_dims, constant.data(), scale_bytes);
    v = fake.AddTensor(kTfLiteFloat32, v_dims);
    fake.AddNode("XnCapsOdr", {u, bits, scale}, {v}, options);
    delegate = CreateDelegate(DelegateOptions(), nullptr);
  }
  ~Odr() {
    fake.Release();
    if (own_delegate) DeleteDelegate(delegate);
  }

  tflite::TfLiteStatus Prepare() {
    EXPECT_EQ(fake.Apply(delegate, {v}), kTfLiteOk);
    return fake.Prepare();
  }
};

TEST(DelegateTest, RunsAndResizes) {
  Odr odr;
  ASSERT_EQ(odr.Prepare(), kTfLiteOk) << odr.fake.error();
  for (int batch : {2, 1, 7, 0, 3}) {
    odr.fake.SetDims(odr.u, {batch, 5, 8});
    ASSERT_EQ(odr.fake.Prepare(), kTfLiteOk) << odr.fake.error();
    EXPECT_EQ(odr.fake.tensor(odr.v).dims->data[0], batch);
    EXPECT_EQ(odr.fake.Invoke({odr.u, odr.v}), kTfLiteOk);
  }
  odr.fake.SetDims(odr.u, {1, 5, 9});
  EXPECT_EQ(odr.fake.Prepare(), kTfLiteError);
}

void ExpectError(Odr* odr, const char* part) {
  EXPECT_EQ(odr->Prepare(), kTfLiteError);
  EXPECT_NE(odr->fake.error().find(part), std::string::npos) << odr->fake.error();
  EXPECT_NE(odr->fake.error().find("XnCapsOdr (node 0)"), std::string::npos) << odr->fake.error();
}

TEST(DelegateTest, WhatDoesNotFitIsAnErrorAtPrepare) {
  struct Case {
    const char* part;
    std::vector<uint8_t> options;
    std::vector<int> bits, scale;
    size_t scale_bytes;
    std::vector<int> v;
  };
  const Case cases[] = {
      {"option routing_iterations within 1 and 1000. Received: 0",
       Options(0),
       {5, 3, 4, 1},
       {5, 3, 4},
       240,
       {2, 3, 4}},
      {"option version within 1 and 1. Received: 2",
       Options(3, 2),
       {5, 3, 4, 1},
       {5, 3, 4},
       240,
       {2, 3, 4}},
      {"expected an option routing_iterations", {}, {5, 3, 4, 1}, {5, 3, 4}, 240, {2, 3, 4}},
      {"not a FlexBuffers map", {1, 2, 3, 4}, {5, 3, 4, 1}, {5, 3, 4}, 240, {2, 3, 4}},
      {"bits of shape [N=5, J, E, 1]", Options(), {6, 3, 4, 1}, {5, 3, 4}, 240, {2, 3, 4}},
      {"bits of shape", Options(), {5, 3, 4, 2}, {5, 3, 4}, 240, {2, 3, 4}},
      {"bits of shape", Options(), {5, 0, 4, 1}, {5, 3, 4}, 240, {2, 3, 4}},
      {"'tensor' of rank 4. Received: [5, 3, 4]", Options(), {5, 3, 4}, {5, 3, 4}, 240, {2, 3, 4}},
      {"scale of shape", Options(), {5, 3, 4, 1}, {5, 4, 3}, 240, {2, 3, 4}},
      {"scale of shape", Options(), {5, 3, 4, 1}, {5, 3, 1}, 60, {2, 3, 4}},
      {"Received: 236 bytes", Options(), {5, 3, 4, 1}, {5, 3, 4}, 236, {2, 3, 4}},
      {"output of shape [B, J=3, E=4]", Options(), {5, 3, 4, 1}, {5, 3, 4}, 240, {2, 4, 3}},
      {"output of shape [B, J=3, E=4]", Options(), {5, 3, 4, 1}, {5, 3, 4}, 240, {2, 12}},
  };
  for (const Case& c : cases) {
    Odr odr(c.options, c.bits, c.scale, c.scale_bytes, c.v);
    ExpectError(&odr, c.part);
  }
}

TEST(DelegateTest, WeightsMustBeConstant) {
  Odr odr;
  odr.fake.tensor(odr.bits).allocation_type = tflite::kTfLiteArenaRw;
  ExpectError(&odr, "bits 'tensor' to be a constant");
}

TEST(DelegateTest, TypesAreChecked) {
  Odr odr;
  odr.fake.tensor(odr.u).type = tflite::kTfLiteInt8;
  ExpectError(&odr, "input 'tensor' of float32. Received: int8");
}

TEST(DelegateTest, ClaimsOursAlone) {
  FakeContext fake;
  const int t = fake.AddTensor(kTfLiteFloat32, {1, 5, 8});
  fake.AddNode("SomebodyElses", {t}, {t}, {});
  tflite::TfLiteDelegate* delegate = CreateDelegate(DelegateOptions(), nullptr);
  EXPECT_EQ(ClaimedNodes(delegate), -1);
  EXPECT_EQ(fake.Apply(delegate, {t}), kTfLiteOk);
  EXPECT_FALSE(fake.replaced());
  EXPECT_EQ(ClaimedNodes(delegate), 0);
  DeleteDelegate(delegate);
  Odr odr;
  ASSERT_EQ(odr.Prepare(), kTfLiteOk) << odr.fake.error();
  EXPECT_EQ(ClaimedNodes(odr.delegate), 1);
}

// The host's registration may be longer than ours: what it has more is zero.
TEST(DelegateTest, ALaterHostSeesZerosBehindOurRegistration) {
  FakeContext fake(testing_support::Host::kLater);
  const std::vector<float> kernel(8 * 8 * 8 * 8, 0.1f);
  const int u = fake.AddTensor(kTfLiteFloat32, {1, 8, 8});
  const int w = fake.AddTensor(kTfLiteFloat32, {8, 8, 8, 8}, kernel.data(), kernel.size() * 4);
  const int v = fake.AddTensor(kTfLiteFloat32, {1, 8, 8});
  fake.AddNode("XnCapsFc", {u, w}, {v}, Options());
  tflite::TfLiteDelegate* delegate = CreateDelegate(DelegateOptions(), nullptr);
  ASSERT_EQ(fake.Apply(delegate, {v}), kTfLiteOk) << fake.error();
  EXPECT_EQ(fake.claimed(), 1);
  ASSERT_EQ(fake.Prepare(), kTfLiteOk) << fake.error();
  EXPECT_EQ(fake.Invoke({u, v}), kTfLiteOk) << fake.error();
  fake.Release();
  DeleteDelegate(delegate);
}

// Two nodes in one kernel: the tensor between them has no memory of TFLite's.
TEST(DelegateTest, TensorsBetweenNodesAreOurs) {
  FakeContext fake;
  std::vector<float> kernel(8 * 8 * 8 * 8, 0.1f);
  const int u = fake.AddTensor(kTfLiteFloat32, {1, 8, 8});
  const int w = fake.AddTensor(kTfLiteFloat32, {8, 8, 8, 8}, kernel.data(), kernel.size() * 4);
  const int between = fake.AddTensor(kTfLiteFloat32, {1, 8, 8});
  const int v = fake.AddTensor(kTfLiteFloat32, {1, 8, 8});
  fake.AddNode("XnCapsFc", {u, w}, {between}, Options());
  fake.AddNode("XnCapsFc", {between, w}, {v}, Options());
  tflite::TfLiteDelegate* delegate = CreateDelegate(DelegateOptions(), nullptr);
  ASSERT_EQ(fake.Apply(delegate, {v}), kTfLiteOk);
  EXPECT_EQ(fake.claimed(), 2);
  for (int batch : {1, 3}) {
    fake.SetDims(u, {batch, 8, 8});
    ASSERT_EQ(fake.Prepare(), kTfLiteOk) << fake.error();
    ASSERT_EQ(fake.Invoke({u, v}), kTfLiteOk);
    EXPECT_EQ(fake.tensor(between).data, nullptr);
    EXPECT_EQ(fake.tensor(v).dims->data[0], batch);
  }
  fake.Release();
  DeleteDelegate(delegate);
}

std::string reported;
void Report(const char* message) { reported = message; }

TEST(PluginTest, OptionsAreCheckedAndReported) {
  const struct {
    const char *key, *value, *part;
  } cases[] = {{"num_threads", "two", "option num_threads"},
               {"num_threads", "65", "Received: 65"},
               {"num_threads", "-1", "option num_threads"},
               {"num_threads", "", "option num_threads"},
               {"verbose", "2", "option verbose"},
               {"isa", "mmx", "Received: mmx"},
               {"colour", "red", "unknown option"},
               {"num_threads", "99999999999999", "option num_threads"}};
  for (const auto& c : cases) {
    reported.clear();
    EXPECT_EQ(tflite_plugin_create_delegate(&c.key, &c.value, 1, Report), nullptr) << c.key;
    EXPECT_NE(reported.find(c.part), std::string::npos) << reported;
    EXPECT_EQ(tflite_plugin_create_delegate(&c.key, &c.value, 1, nullptr), nullptr) << c.key;
  }
  const char* keys[] = {"num_threads", "verbose", "isa"};
  const char* values[] = {"2", "0", "scalar"};
  struct TfLiteDelegate* delegate = tflite_plugin_create_delegate(keys, values, 3, Report);
  ASSERT_NE(delegate, nullptr) << reported;
  tflite_plugin_destroy_delegate(delegate);
  tflite_plugin_destroy_delegate(nullptr);
}

TEST(CApiTest, CreatesAndRefuses) {
  XncapsDelegateOptions options;
  XncapsDelegateOptionsInit(&options, sizeof options);
  EXPECT_EQ(options.struct_size, sizeof options);
  EXPECT_EQ(options.num_threads, 0);
  options.report_error = Report;
  struct TfLiteDelegate* delegate = XncapsDelegateCreate(&options);
  ASSERT_NE(delegate, nullptr);
  EXPECT_EQ(XncapsDelegateNodes(delegate), -1);
  EXPECT_EQ(XncapsDelegateNodes(nullptr), -1);
  XncapsDelegateDelete(delegate);
  options.num_threads = -3;
  reported.clear();
  EXPECT_EQ(XncapsDelegateCreate(&options), nullptr);
  EXPECT_NE(reported.find("Received: -3"), std::string::npos) << reported;
  delegate = XncapsDelegateCreate(nullptr);
  EXPECT_NE(delegate, nullptr);
  XncapsDelegateDelete(delegate);
  EXPECT_NE(XncapsIsa(), nullptr);
}

// The struct of a header that is older (the first two members) or newer (two more) than the
// library.
TEST(CApiTest, TakesStructsOfOtherVersions) {
  struct Older {
    size_t struct_size;
    int32_t num_threads;
  } older;
  auto* as_options = reinterpret_cast<XncapsDelegateOptions*>(&older);
  XncapsDelegateOptionsInit(as_options, offsetof(XncapsDelegateOptions, verbose));
  older.num_threads = 2;
  struct TfLiteDelegate* delegate = XncapsDelegateCreate(as_options);
  EXPECT_NE(delegate, nullptr);
  XncapsDelegateDelete(delegate);
  older.num_threads = 65;
  EXPECT_EQ(XncapsDelegateCreate(as_options), nullptr);

  struct Newer {
    XncapsDelegateOptions known;
    int32_t more[2];
  } newer;
  memset(&newer, 1, sizeof newer);
  XncapsDelegateOptionsInit(&newer.known, sizeof newer);
  EXPECT_EQ(newer.more[1], 0);
  newer.known.report_error = Report;
  delegate = XncapsDelegateCreate(&newer.known);
  EXPECT_NE(delegate, nullptr);
  XncapsDelegateDelete(delegate);
  newer.more[1] = 1;
  reported.clear();
  EXPECT_EQ(XncapsDelegateCreate(&newer.known), nullptr);
  EXPECT_EQ(reported, "xncaps: an option is set that this version does not know");

  for (size_t size : {size_t{0}, size_t{1}, size_t{8}, SIZE_MAX}) {
    XncapsDelegateOptions options;
    XncapsDelegateOptionsInit(&options, sizeof options);
    options.struct_size = size;
    EXPECT_EQ(XncapsDelegateCreate(&options), nullptr) << size;
  }
  XncapsDelegateOptionsInit(nullptr, 100);
}

int ThreadsOfProcess() {
  int count = 0;
  DIR* tasks = opendir("/proc/self/task");
  while (tasks != nullptr && readdir(tasks) != nullptr) ++count;
  closedir(tasks);
  return count - 2;  // . and ..
}

// A thread that has been joined may be listed a little longer.
void ExpectThreads(int expected, const char* when) {
  for (int i = 0; i < 200 && ThreadsOfProcess() != expected; ++i) usleep(5000);
  EXPECT_EQ(ThreadsOfProcess(), expected) << when;
}

// One delegate without a number of its own: each interpreter gets as many threads as it asks for.
TEST(DelegateTest, AnInterpreterOfOneThreadHasNoPool) {
  std::thread([] {}).join();  // with the first one a sanitizer may start one of its own
  usleep(50000);
  const int before = ThreadsOfProcess();
  tflite::TfLiteDelegate* delegate = CreateDelegate(DelegateOptions(), nullptr);
  int expected = before;
  bool made[4] = {};
  for (int threads : {1, -1, 3, 1, 3, 2}) {
    Odr odr;
    DeleteDelegate(odr.delegate);
    odr.delegate = delegate;
    odr.own_delegate = false;
    odr.fake.context()->recommended_num_threads = threads;
    ASSERT_EQ(odr.Prepare(), kTfLiteOk) << odr.fake.error();
    ASSERT_EQ(odr.fake.Invoke({odr.u, odr.v}), kTfLiteOk);
    if (threads > 1 && !made[threads]) expected += threads - 1, made[threads] = true;
    ExpectThreads(expected, std::to_string(threads).c_str());
  }
  DeleteDelegate(delegate);
  ExpectThreads(before, "deleted");
}

// One delegate, several interpreters on threads of their own.
TEST(DelegateTest, IsSharedByInterpretersOnThreads) {
  DelegateOptions options;
  options.num_threads = 2;
  tflite::TfLiteDelegate* delegate = CreateDelegate(options, nullptr);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Odr odr;
      DeleteDelegate(odr.delegate);
      odr.delegate = delegate;
      odr.own_delegate = false;
      ASSERT_EQ(odr.Prepare(), kTfLiteOk);
      for (int round = 0; round < 200; ++round)
        ASSERT_EQ(odr.fake.Invoke({odr.u, odr.v}), kTfLiteOk);
    });
  }
  for (auto& thread : threads) thread.join();
  DeleteDelegate(delegate);
}

}  // namespace
}  // namespace xncaps
