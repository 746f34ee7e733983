// Creates the delegate as a program with an interpreter of its own does, and says what it will run.
// With TFLite's C API at hand: TfLiteInterpreterOptionsAddDelegate(options, delegate).
#include <xncaps/xncaps.h>

#include <cstdio>

int main() {
  XncapsDelegateOptions options;
  XncapsDelegateOptionsInit(&options, sizeof options);
  options.num_threads = 2;
  options.report_error = [](const char* message) { std::fprintf(stderr, "%s\n", message); };
  TfLiteDelegate* delegate = XncapsDelegateCreate(&options);
  if (delegate == nullptr) return 1;
  std::printf("xncaps %s, kernels %s\n", XncapsVersion(), XncapsIsa());
  XncapsDelegateDelete(delegate);
  return 0;
}
