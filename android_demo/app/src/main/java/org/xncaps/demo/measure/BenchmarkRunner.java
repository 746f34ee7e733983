package org.xncaps.demo.measure;

import android.content.Context;
import android.os.Debug;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.lite.TensorFlowLite;
import org.xncaps.core.BenchmarkJob;
import org.xncaps.core.Clock;
import org.xncaps.core.Interleaver;
import org.xncaps.delegate.XncapsDelegate;

/** Carries out one job and keeps its status and result files up to date. Runs on one thread. */
public final class BenchmarkRunner {
  /** Told of progress, on the runner's thread. */
  public interface Listener {
    /** @param error why the job ended early; null while it has not */
    void onProgress(String state, int done, int total, String model, String error);
  }

  private static final long STATUS_MILLIS = 500;
  private static final long PARTIAL_MILLIS = 5000;
  /** How long it measures before it rests; tests shorten it. */
  public static long restAfterMillis = 10_000;

  private final Context context;
  private final BenchmarkJob job;
  private final BenchmarkFolder folder;
  private final Listener listener;
  private final List<BenchmarkModel> models = new ArrayList<>();
  private final Map<String, Object> result = new LinkedHashMap<>();
  private final long start = Clock.millis();
  private volatile boolean cancelled;
  private long lastStatus;
  private long lastPartial;
  private int rounds;

  public BenchmarkRunner(Context context, BenchmarkJob job, File folder, Listener listener)
      throws IOException {
    this.context = context.getApplicationContext();
    this.job = job;
    this.folder = new BenchmarkFolder(folder);
    this.listener = listener;
  }

  /** Ends the job after the run that is going on; what was measured is kept and marked. */
  public void cancel() {
    cancelled = true;
  }

  /** @return whether the job was done; why not is in the result and the status */
  public boolean run() throws IOException {
    describe();
    String error = null;
    try {
      status("loading", "", true);
      if (!job.cpus.isEmpty()) {
        Affinity.set(job.cpus);
      }
      for (BenchmarkJob.Entry entry : job.models) {
        models.add(new BenchmarkModel(context, entry, job, folder));
      }
      if (allFailed()) {
        error = "no model could be run; see each model's error";
      } else {
        measure();
      }
    } catch (IOException | RuntimeException e) {
      android.util.Log.w("xncaps", "benchmark", e);
      error = e.toString();
    } finally {
      for (BenchmarkModel model : models) {
        model.close();
      }
    }
    if (error == null && cancelled) {
      error = "cancelled: the screen was left";
    }
    finish(error);
    return error == null;
  }

  private void describe() {
    result.put("version", BenchmarkJob.VERSION);
    result.put("id", job.id);
    result.put("state", "running");
    result.put("error", null);
    result.put("app", DeviceFacts.app(context));
    result.put("device", DeviceFacts.device());
    Map<String, Object> runtime = new LinkedHashMap<>();
    runtime.put("tflite", TensorFlowLite.runtimeVersion());
    runtime.put("delegate", job.delegate ? XncapsDelegate.version() : null);
    result.put("runtime", runtime);
    Map<String, Object> method = new LinkedHashMap<>();
    method.put("threads", job.threads);
    method.put("delegate", job.delegate);
    method.put("warmup", job.warmup);
    method.put("warmup_seconds", job.warmupSeconds);
    method.put("runs", job.runs);
    method.put("seconds", job.seconds);
    method.put("cooldown", job.cooldown);
    method.put("seed", job.seed);
    method.put("cpus", job.cpus);
    result.put("method", method);
    result.put("start", DeviceFacts.state(context));
  }

  private boolean allFailed() {
    for (BenchmarkModel model : models) {
      if (!model.failed()) {
        return false;
      }
    }
    return true;
  }

  private void measure() throws IOException {
    for (BenchmarkModel model : models) {
      status("warming", model.name(), true);
      model.compute(job.warmup, job.warmupSeconds);
      if (cancelled) {
        return;
      }
      cool(model.name());
    }
    Interleaver order = new Interleaver(models.size(), job.seed);
    long rested = Clock.millis();
    for (boolean more = job.runs > 0; more && !cancelled; rounds++) {
      more = false;
      for (int index : order.next()) {
        BenchmarkModel model = models.get(index);
        if (model.wantsMore()) {
          model.time(Clock.millis() - start);
          more |= model.wantsMore();
        }
      }
      status("measuring", "", false);
      keepPartial();
      if (more && job.cooldown > 0 && Clock.millis() - rested > restAfterMillis) {
        rest();
        rested = Clock.millis();
      }
    }
  }

  private void rest() throws IOException {
    cool("");
    for (BenchmarkModel model : models) {
      model.settle();
    }
  }

  private void cool(String name) throws IOException {
    long end = Clock.millis() + (long) (1000 * job.cooldown);
    while (!cancelled && Clock.millis() < end) {
      status("cooling", name, false);
      try {
        Thread.sleep(Math.max(1, Math.min(100, end - Clock.millis())));
      } catch (InterruptedException e) {
        cancelled = true;
      }
    }
  }

  private void status(String state, String model, boolean now) throws IOException {
    long time = Clock.millis();
    if (!now && time - lastStatus < STATUS_MILLIS) {
      return;
    }
    lastStatus = time;
    int total = job.runs;
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("version", BenchmarkJob.VERSION);
    status.put("id", job.id);
    status.put("state", state);
    status.put("done", rounds);
    status.put("total", total);
    status.put("model", model);
    status.put("error", result.get("error"));
    folder.writeStatus(status);
    listener.onProgress(state, rounds, total, model, (String) result.get("error"));
  }

  private void keepPartial() throws IOException {
    long time = Clock.millis();
    if (time - lastPartial >= PARTIAL_MILLIS) {
      lastPartial = time;
      result.put("state", "partial");
      writeModels();
    }
  }

  private void writeModels() throws IOException {
    List<Object> rows = new ArrayList<>();
    for (BenchmarkModel model : models) {
      rows.add(model.result());
    }
    result.put("models", rows);
    folder.writeResult(result);
  }

  private void finish(String error) throws IOException {
    String state = error == null ? "done" : cancelled ? "cancelled" : "failed";
    result.put("state", state);
    result.put("error", error);
    result.put("end", DeviceFacts.state(context));
    result.put("native_heap_bytes", Debug.getNativeHeapAllocatedSize());
    result.put("elapsed_ms", Clock.millis() - start);
    writeModels(); // before the status: who sees 'done' finds the whole result
    status(state, "", true);
  }
}
