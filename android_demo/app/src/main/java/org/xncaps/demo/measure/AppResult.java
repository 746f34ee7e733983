package org.xncaps.demo.measure;

import android.content.Context;
import android.os.Build;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TimeZone;
import java.util.UUID;
import org.xncaps.core.LatencyStats;
import org.xncaps.core.measure.TurnPlan;

/**
 * A measurement of this app in the format of `xncaps bench` (docs/measuring.md), version 2. What is
 * judged of the times (ratios, drift, whether they are valid) is left to whoever reads it.
 */
final class AppResult {
  private final Context context;
  private final OwnMeasurement from;
  private final Map<String, Object> answer;

  /** @param answer of the runner's last job */
  AppResult(Context context, OwnMeasurement from, Map<String, Object> answer) {
    this.context = context;
    this.from = from;
    this.answer = answer;
  }

  Map<String, Object> map() {
    String app = context.getPackageName();
    String device = (Build.MANUFACTURER + " " + Build.MODEL).trim();
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("format", "xncaps-benchmark");
    out.put("format_version", 2);
    out.put("id", UUID.randomUUID().toString());
    SimpleDateFormat utc = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'", Locale.ROOT);
    utc.setTimeZone(TimeZone.getTimeZone("UTC"));
    out.put("created", utc.format(new Date()));
    out.put(
        "tool",
        map("name", app, "version", DeviceFacts.app(context).get("version"), "commit", null));
    out.put("target", map("kind", "local", "name", cut(device + ", in the app", 200)));
    out.put("method", method(app));
    out.put("machine", machine(device));
    out.put("state", map("start", state("start"), "end", state("end")));
    List<Object> models = new ArrayList<>();
    for (Measured model : from.models) {
      models.add(model(model));
    }
    out.put("models", models);
    out.put("ratios", Collections.emptyList());
    out.put("complete", answer.get("error") == null);
    Object error = answer.get("error");
    out.put(
        "notes",
        error == null ? Collections.emptyList() : Collections.singletonList(cut(error, 500)));
    return out;
  }

  private Map<String, Object> method(String app) {
    return map(
        "order", TurnPlan.ORDER, "seed", OwnMeasurement.SEED,
        "runs", TurnPlan.ROUNDS * TurnPlan.BLOCK_RUNS, "seconds", from.limit(),
        "rounds", TurnPlan.ROUNDS, "settle_runs", TurnPlan.SETTLE_RUNS,
        "block_runs", TurnPlan.BLOCK_RUNS, "warm_up_seconds", OwnMeasurement.warmUpSeconds,
        "warm_up_runs", OwnMeasurement.WARM_UP_RUNS, "cooldown_seconds", 0,
        "threads", from.settings.threads, "cpus", Collections.emptyList(), "baseline", baseline(),
        "minimum_runs", 64, "minimum_seconds", 0.01,
        "process", "the app, one process for all files",
        "memory", "the proportional set size that loading the file added to the app",
        "tool", "the app " + app + ", on its own screen");
  }

  /** The first that was timed and has no op of the delegate, or the first that was timed. */
  private String baseline() {
    String found = null;
    for (Measured model : from.models) {
      if (model.isTimed()) {
        if (((List<?>) model.facts.get("custom_ops")).isEmpty()) {
          return model.name;
        }
        found = found == null ? model.name : found;
      }
    }
    return found;
  }

  private static Map<String, Object> machine(String device) {
    return map(
        "system", "Android " + Build.VERSION.RELEASE + " (SDK " + Build.VERSION.SDK_INT + ")",
        "machine", cut(Build.SUPPORTED_ABIS[0], 100),
        "cpu", cut(Build.VERSION.SDK_INT >= 31 ? Build.SOC_MODEL : Build.BOARD, 200),
        "cpus", Runtime.getRuntime().availableProcessors(), "device", cut(device, 200),
        "build", cut(Build.FINGERPRINT, 300), "android", cut(Build.VERSION.RELEASE, 100));
  }

  /** What the device told at one moment; what it hides is left out. */
  private Map<String, Object> state(String when) {
    Map<?, ?> told = (Map<?, ?>) answer.get(when);
    Map<String, Object> out = new LinkedHashMap<>();
    List<Object> clocks = new ArrayList<>();
    java.util.TreeSet<String> governors = new java.util.TreeSet<>();
    for (Object cpu : (List<?>) told.get("cpus")) {
      Object khz = ((Map<?, ?>) cpu).get("khz");
      Object governor = ((Map<?, ?>) cpu).get("governor");
      if (khz != null) {
        clocks.add(khz);
      }
      if (governor != null) {
        governors.add(cut(governor, 100));
      }
    }
    out.put("governors", governors);
    out.put("frequencies_khz", clocks);
    out.put("temperatures_c", told.get("temperatures"));
    out.put("thermal_status", told.get("thermal"));
    out.put("charging", told.get("charging"));
    putKnown(out, "battery_percent", told.get("battery_percent"), 1);
    putKnown(out, "battery_temperature_c", told.get("battery_celsius"), 1);
    putKnown(out, "thermal_headroom", told.get("thermal_headroom"), 1);
    putKnown(out, "battery_current_ma", told.get("battery_microamperes"), 1e-3);
    return out;
  }

  private static void putKnown(Map<String, Object> out, String name, Object value, double scale) {
    if (value instanceof Number && !Double.isNaN(((Number) value).doubleValue())) {
      out.put(name, ((Number) value).doubleValue() * scale);
    }
  }

  private Map<String, Object> model(Measured model) {
    Map<String, Object> out = new LinkedHashMap<>();
    Map<String, Object> facts =
        model.facts == null ? Collections.<String, Object>emptyMap() : model.facts;
    String error = model.error;
    if (error == null && !model.isTimed()) {
      error = model.verdict != null && !model.verdict.good ? "wrong outputs" : "it was not timed";
    }
    out.put("name", cut(model.name, 200));
    out.put("bytes", facts.containsKey("bytes") ? facts.get("bytes") : 0);
    out.put("sha256", facts.containsKey("sha256") ? facts.get("sha256") : "");
    boolean whole = answer.get("error") == null;
    out.put("status", error != null ? "failed" : whole ? "ok" : "partial");
    out.put("error", error == null ? null : cut(error, 600));
    if (facts.containsKey("custom_ops")) {
      out.put("custom_ops", facts.get("custom_ops"));
    }
    String runtime = String.valueOf(facts.get("runtime"));
    out.put(
        "runtime",
        map(
            "name", runtime.contains("xncaps") ? "litert+xncaps" : "litert",
            "version", facts.containsKey("runtime") ? cut(runtime, 200) : "",
            "timed", "Interpreter.run: the input copied in, invoke, the output copied out",
            "accelerator", "cpu", "delegate_nodes", facts.get("delegate_nodes")));
    out.put("verification", verification(model));
    out.put("accuracy", null);
    out.put("samples", Collections.emptyList());
    for (String name : new String[] {"load", "first_run"}) {
      if (facts.get(name + "_ns") instanceof Long) {
        out.put(name + "_us", (Long) facts.get(name + "_ns") / 1e3);
      }
    }
    out.put("latency", error == null ? latency(model) : null);
    out.put("drift", null);
    out.put("runtime_us", error == null ? ownMedian(model) : null);
    out.put("valid", null);
    out.put("invalid_because", Collections.emptyList());
    out.put("measured_seconds", null);
    out.put("summary", null);
    if (facts.get("pss_kb_added") instanceof Long) {
      out.put(
          "memory",
          map(
              "peak_bytes", Math.max(0, (Long) facts.get("pss_kb_added")) * 1024,
              "before_load_bytes", 0,
              "note", "proportional set size that loading added to the app"));
    }
    return out;
  }

  private static Map<String, Object> verification(Measured model) {
    if (model.verdict == null) {
      return map(
          "status", "not verified", "reason", "no stored outputs beside the file", "rows", 0);
    }
    int rows = model.verdict.rows;
    Map<String, Object> out =
        map(
            "status", model.verdict.good ? "verified" : "failed",
            "reason",
            model.verdict.over + " of " + rows + " stored rows further than "
                + model.check.tolerance + " away, " + model.check.allowed + " may be",
            "rows", rows, "over_tolerance", model.verdict.over,
            "tolerance", model.check.tolerance,
            "tolerated_share", Math.min(1, model.check.allowed / (double) rows),
            "equal_top1", model.verdict.equalTop1, "source", cut(model.check.source, 200));
    if (!Double.isNaN(model.verdict.maxError)) {
      out.put("max_error", model.verdict.maxError);
      out.put("mean_error", model.verdict.meanError);
    }
    return out;
  }

  private static Map<String, Object> latency(Measured model) {
    long[] sorted = model.sorted();
    double sum = 0;
    for (long nanos : sorted) {
      sum += nanos;
    }
    double mean = sum / sorted.length;
    double squares = 0;
    for (long nanos : sorted) {
      squares += (nanos - mean) * (nanos - mean);
    }
    List<Object> samples = new ArrayList<>();
    List<Object> turns = new ArrayList<>();
    List<Object> starts = new ArrayList<>();
    for (int i = 0; i < model.turns.size(); i++) {
      turns.add(model.turns.get(i).length);
      starts.add((model.starts.get(i) - model.starts.get(0)) / 1e9);
      for (long nanos : model.turns.get(i)) {
        samples.add(nanos / 1e3);
      }
    }
    return map(
        "n", sorted.length, "min_us", sorted[0] / 1e3,
        "median_us", LatencyStats.percentile(sorted, 50) / 1e3, "mean_us", mean / 1e3,
        "std_us", Math.sqrt(squares / Math.max(1, sorted.length - 1)) / 1e3,
        "p90_us", LatencyStats.percentile(sorted, 90) / 1e3,
        "p99_us", LatencyStats.percentile(sorted, 99) / 1e3,
        "samples_us", samples, "turns", turns, "starts_s", starts);
  }

  private static Object ownMedian(Measured model) {
    long[] own = new long[model.own.size()];
    for (int i = 0; i < own.length; i++) {
      own[i] = model.own.get(i);
    }
    java.util.Arrays.sort(own);
    return own.length == 0 || own[own.length - 1] == 0
        ? null : (Object) (LatencyStats.percentile(own, 50) / 1e3);
  }

  private static String cut(Object text, int most) {
    String words = String.valueOf(text);
    return words.substring(0, Math.min(most, words.length()));
  }

  private static Map<String, Object> map(Object... pairs) {
    Map<String, Object> out = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      out.put((String) pairs[i], pairs[i + 1]);
    }
    return out;
  }
}
