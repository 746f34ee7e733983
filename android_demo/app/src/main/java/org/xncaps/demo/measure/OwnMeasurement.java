package org.xncaps.demo.measure;

import android.content.Context;
import android.os.Handler;
import android.os.Looper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.xncaps.core.Json;
import org.xncaps.core.measure.Frame.Kind;
import org.xncaps.core.measure.Job;
import org.xncaps.core.measure.Sink;
import org.xncaps.core.measure.TurnPlan;
import org.xncaps.demo.models.ModelStore;
import org.xncaps.demo.models.Settings;

/**
 * A measurement without a computer: the same two jobs that a host gives, the first for outputs, the
 * second for the times of the turns of those that passed. Outlives its screen when that is turned.
 */
final class OwnMeasurement implements BenchmarkRunner.Listener {
  /** Told on the main thread whenever something has changed. */
  interface Listener {
    void onProgress(String state, int done, int total, String model);

    void onDone();
  }

  static final int WARM_UP_RUNS = 16;
  static final long SEED = 1;
  /** Run time of each model; as long as a person waits for, and a phone stays cool. */
  static double seconds = 5;
  /** Of each model, before its turns. */
  static double warmUpSeconds = 0.5;
  /** A model whose runs are slower still has its rounds, unless it slows down by more than this. */
  private static final double SLOWER = 2;

  final List<Measured> models = new ArrayList<>();
  final Settings settings;
  private final ModelStore store;
  private final Context context;
  private final BenchmarkRunner runner;
  private final Handler main = new Handler(Looper.getMainLooper());
  private Listener listener;
  private boolean done;
  private double limit = seconds;
  private Map<String, Object> answer = new LinkedHashMap<>();
  private String result;
  private String error;

  /** @param references of the models, as the store knows them */
  OwnMeasurement(Context context, List<String> references, Settings settings) {
    this.context = context.getApplicationContext();
    this.settings = settings;
    store = new ModelStore(context);
    runner = new BenchmarkRunner(context, this);
    for (String reference : references) {
      String file = ModelStore.nameOf(reference);
      models.add(new Measured(reference, file.substring(0, file.length() - ".tflite".length())));
    }
  }

  /** On the main thread, as all that is public here. */
  void setListener(Listener listener) {
    this.listener = listener;
    if (done && listener != null) {
      listener.onDone();
    }
  }

  void start() {
    new Thread(this::run, "measure").start();
  }

  void cancel() {
    runner.cancel();
  }

  boolean isDone() {
    return done;
  }

  /** Why it ended early; null where it did not. */
  String error() {
    return error;
  }

  /** The longest run time of a model, seconds. */
  double limit() {
    return limit;
  }

  /** The result as JSON that `xncaps report` takes; null while there is none. */
  String result() {
    return result;
  }

  private void run() {
    String failure = null;
    String json = null;
    try {
      check();
      time();
      failure = (String) answer.get("error");
      json = Json.write(new AppResult(context, this, answer).map());
    } catch (IOException | RuntimeException e) {
      android.util.Log.w("xncaps", "measure", e);
      failure = String.valueOf(e.getMessage());
    }
    String text = json;
    String why = failure;
    main.post(
        () -> {
          result = text;
          error = why;
          done = true;
          if (listener != null) {
            listener.onDone();
          }
        });
  }

  private void check() throws IOException {
    Map<String, Object> job = new LinkedHashMap<>();
    job.put("outputs", true);
    Collected told = carryOut(models, job);
    List<Map<String, Object>> rows = told.rows();
    for (int i = 0; i < models.size(); i++) {
      Measured model = models.get(i);
      model.facts = rows.get(i);
      model.error = (String) model.facts.get("error");
      if (model.error == null && model.check != null) {
        model.verdict = model.check.judge(told.outputs.get(name(model)));
      }
    }
  }

  private void time() throws IOException {
    List<Measured> good = new ArrayList<>();
    List<Long> runNanos = new ArrayList<>();
    for (Measured model : models) {
      if (model.error == null && (model.verdict == null || model.verdict.good)) {
        good.add(model);
        runNanos.add((Long) model.facts.get("run_ns"));
      }
    }
    if (good.isEmpty() || answer.get("error") != null) {
      return;
    }
    long slowest = Collections.max(runNanos);
    limit = Math.max(seconds, SLOWER * TurnPlan.ROUNDS * slowest / 1e9);
    Map<String, Object> job = new LinkedHashMap<>();
    job.put("turns", TurnPlan.turns(runNanos, seconds, SEED));
    job.put("seconds", limit);
    job.put("settle_runs", TurnPlan.SETTLE_RUNS);
    job.put("warm_up_runs", WARM_UP_RUNS);
    job.put("warm_up_seconds", warmUpSeconds);
    Collected told = carryOut(good, job);
    List<Map<String, Object>> rows = told.rows();
    for (int i = 0; i < good.size(); i++) {
      good.get(i).error = (String) rows.get(i).get("error");
      for (Object turn : told.turns.get(i)) {
        good.get(i).take((List<?>) turn);
      }
    }
  }

  private String name(Measured model) {
    return "m" + models.indexOf(model);
  }

  private Collected carryOut(List<Measured> some, Map<String, Object> job) throws IOException {
    List<Object> entries = new ArrayList<>();
    for (Measured model : some) {
      entries.add(Collections.singletonMap("file", name(model)));
    }
    job.put("models", entries);
    job.put("threads", settings.threads);
    job.put("delegate", settings.delegate);
    Collected told = new Collected(some.size());
    runner.run(Job.parse(Json.write(job)), new Files(), told);
    answer = told.result;
    return told;
  }

  @Override
  public void onProgress(String state, int done, int total, String model, String error) {
    String name =
        model.isEmpty() ? "" : models.get(Integer.parseInt(model.substring(1))).name;
    main.post(
        () -> {
          if (listener != null && !this.done && error == null && !"done".equals(state)) {
            listener.onProgress(state, done, total, name);
          }
        });
  }

  /** The models of the store, by the names of the job. */
  private final class Files implements JobFiles {
    private Measured of(Job.Entry entry) {
      return models.get(Integer.parseInt(entry.name.substring(1)));
    }

    @Override
    public ModelStore.Loaded model(Job.Entry entry) throws IOException {
      return store.load(of(entry).reference);
    }

    @Override
    public ByteBuffer inputs(Job.Entry entry) throws IOException {
      Measured model = of(entry);
      if (model.check == null) {
        model.check = store.check(model.reference, store.describe(model.reference));
      }
      return model.check == null ? null : model.check.inputs();
    }
  }

  /** What a job tells. */
  private static final class Collected implements Sink {
    final Map<String, byte[]> outputs = new HashMap<>();
    final List<List<Object>> turns = new ArrayList<>();
    Map<String, Object> result;

    Collected(int models) {
      for (int i = 0; i < models; i++) {
        turns.add(new ArrayList<>());
      }
    }

    @Override
    public void send(Kind kind, String name, byte[] content) {
      if (kind == Kind.OUTPUT) {
        outputs.put(name, content);
      }
    }

    @Override
    public void send(Kind kind, Map<String, Object> content) {
      if (kind == Kind.PARTIAL) {
        List<?> rows = (List<?>) content.get("turns");
        for (int i = 0; i < rows.size(); i++) {
          turns.get(i).addAll((List<?>) rows.get(i));
        }
      } else if (kind == Kind.RESULT) {
        result = content;
      }
    }

    @SuppressWarnings("unchecked") // the runner puts maps there
    List<Map<String, Object>> rows() throws IOException {
      List<Map<String, Object>> rows = (List<Map<String, Object>>) result.get("models");
      if (rows.size() != turns.size()) {
        throw new IOException(String.valueOf(result.get("error")));
      }
      return rows;
    }
  }
}
