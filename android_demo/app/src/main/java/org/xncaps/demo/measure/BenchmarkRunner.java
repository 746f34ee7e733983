package org.xncaps.demo.measure;

import android.content.Context;
import android.os.Debug;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.xncaps.core.Clock;
import org.xncaps.core.measure.Frame.Kind;
import org.xncaps.core.measure.Job;
import org.xncaps.core.measure.Sink;
import org.xncaps.core.measure.Work;
import org.xncaps.delegate.XncapsDelegate;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.NativeRuntime;

/** Carries out jobs with TensorFlow Lite: the turns as the host planned them, raw times back. */
final class BenchmarkRunner implements Work {
  /** Told of progress, on the job's thread. */
  interface Listener {
    /** @param error why the job ended early; null while it has not */
    void onProgress(String state, int done, int total, String model, String error);
  }

  private static final long STATUS_MILLIS = 500;
  private static final long PARTIAL_MILLIS = 5000;

  private final Context context;
  private final Listener listener;
  private volatile boolean cancelled;
  private final List<BenchmarkModel> models = new ArrayList<>();
  private Job job;
  private Sink sink;
  private long start;
  private long lastStatus;
  private long lastPartial;
  private int done;

  BenchmarkRunner(Context context, Listener listener) {
    this.context = context.getApplicationContext();
    this.listener = listener;
  }

  @Override
  public void cancel() {
    cancelled = true;
  }

  @Override
  public void run(Job job, File folder, Sink sink) throws IOException {
    run(job, new JobFolder(new ModelStore(context), folder), sink);
  }

  /** The same with models and inputs from elsewhere. */
  void run(Job job, JobFiles files, Sink sink) throws IOException {
    this.job = job;
    this.sink = sink;
    start = Clock.nanos();
    lastPartial = Clock.millis();
    done = 0;
    Map<String, Object> result = describe();
    String error = null;
    try {
      status("loading", "");
      if (!job.cpus.isEmpty()) {
        Affinity.set(job.cpus);
      }
      error = carryOut(files);
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
    finish(result, error);
  }

  /** @return why nothing could be measured; null where something could */
  private String carryOut(JobFiles files) throws IOException {
    models.clear();
    boolean any = false;
    for (Job.Entry entry : job.models) {
      BenchmarkModel model = new BenchmarkModel(entry, job, files);
      models.add(model);
      any |= !model.hasFailed();
    }
    if (!any) {
      return "no model could be run; see each model's error";
    }
    for (BenchmarkModel model : models) {
      if (job.outputs && !model.hasFailed() && !cancelled) {
        status("checking", model.name());
        byte[] outputs = model.outputs();
        if (outputs != null) {
          sink.send(Kind.OUTPUT, model.name(), outputs);
        }
      }
    }
    if (job.turns.length > 0) {
      measure();
    }
    return null;
  }

  private void measure() throws IOException {
    for (BenchmarkModel model : models) {
      if (!model.hasFailed() && !cancelled) {
        status("warming", model.name());
        model.warmUp(job.warmUpRuns, job.warmUpSeconds, () -> cancelled);
      }
    }
    for (; done < job.turns.length && !cancelled; done++) {
      int index = job.turns[done];
      if (index < 0) {
        rest(job.runs[done]);
      } else if (models.get(index).wantsMore()) {
        models.get(index).turn(job.runs[done], start);
      }
      if (Clock.millis() - lastStatus >= STATUS_MILLIS) {
        status("measuring", "");
      }
      if (Clock.millis() - lastPartial >= PARTIAL_MILLIS) {
        partial();
      }
    }
  }

  /** What there is goes to the host meanwhile, so that it is not sent while turns are timed. */
  private void rest(long millis) throws IOException {
    long end = Clock.millis() + millis;
    partial();
    while (!cancelled && Clock.millis() < end) {
      status("cooling", "");
      try {
        Thread.sleep(Math.max(1, Math.min(STATUS_MILLIS, end - Clock.millis())));
      } catch (InterruptedException e) {
        cancelled = true;
      }
    }
  }

  private Map<String, Object> describe() {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("app", DeviceFacts.app(context));
    result.put("device", DeviceFacts.device());
    Map<String, Object> runtime = new LinkedHashMap<>();
    runtime.put("tflite", NativeRuntime.number()); // null, and each model says why
    runtime.put("delegate", job.delegate ? XncapsDelegate.version() : null);
    result.put("runtime", runtime);
    result.put("start", DeviceFacts.state(context));
    return result;
  }

  private void status(String state, String model) throws IOException {
    lastStatus = Clock.millis();
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("state", state);
    status.put("done", done);
    status.put("total", job.turns.length);
    status.put("model", model);
    if (state.equals("measuring") || state.equals("warming")) {
      status.put("clocks", DeviceFacts.clocks());
    }
    sink.send(Kind.STATUS, status);
    listener.onProgress(state, done, job.turns.length, model, null);
  }

  /** The turns since the last one. */
  private void partial() throws IOException {
    lastPartial = Clock.millis();
    List<Object> rows = new ArrayList<>();
    for (BenchmarkModel model : models) {
      rows.add(model.hasFailed() ? new ArrayList<>() : model.takeTurns());
    }
    Map<String, Object> partial = new LinkedHashMap<>();
    partial.put("turns", rows);
    sink.send(Kind.PARTIAL, partial);
  }

  private void finish(Map<String, Object> result, String error) throws IOException {
    String state = error == null ? "done" : cancelled ? "cancelled" : "failed";
    if (job.turns.length > 0) {
      partial();
    }
    List<Object> rows = new ArrayList<>();
    for (BenchmarkModel model : models) {
      rows.add(model.result());
    }
    result.put("state", state);
    result.put("error", error);
    result.put("end", DeviceFacts.state(context));
    result.put("models", rows);
    result.put("native_heap_bytes", Debug.getNativeHeapAllocatedSize());
    result.put("elapsed_ms", (Clock.nanos() - start) / 1_000_000);
    // Told first: who has the result may take the screen away.
    listener.onProgress(state, done, job.turns.length, "", error);
    sink.send(Kind.RESULT, result);
  }
}
