package org.xncaps.core.measure;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.xncaps.core.Json;

/** What the host wants carried out: the JSON of docs/adb-protocol.md, checked. */
public final class Job {
  /** A file in the job's folder or a model of the APK, and its inputs. */
  public static final class Entry {
    public final String name;
    /** A file in the job's folder, or null for an asset. */
    public final String file;
    /** A model in the app, or null for a file. */
    public final String asset;
    /** A file in the job's folder with input tensors one after the other, or null. */
    public final String inputs;

    Entry(String name, String file, String asset, String inputs) {
      this.name = name;
      this.file = file;
      this.asset = asset;
      this.inputs = inputs;
    }
  }

  private static final int MOST_TURNS = 1_000_000;

  public final List<Entry> models;
  public final int threads;
  public final boolean delegate;
  public final List<Integer> cpus;
  /** Whether the outputs of all inputs are computed and sent. */
  public final boolean outputs;
  public final int warmUpRuns;
  public final double warmUpSeconds;
  /** Untimed runs at the start of each turn. */
  public final int settleRuns;
  /** A model has no more turns once its timed runs took so long. */
  public final double seconds;

  /** The models' indices in the order of their turns, -1 for a rest. */
  public final int[] turns;
  /** Timed runs of each turn, or the milliseconds of the rest. */
  public final int[] runs;

  private Job(Map<String, Object> fields) {
    checkKeys(
        fields, "models", "threads", "delegate", "cpus", "outputs", "warm_up_runs",
        "warm_up_seconds", "settle_runs", "seconds", "turns");
    models = entries(fields.get("models"));
    threads = (int) integer(fields, "threads", 1, 1, 64);
    delegate = bool(fields, "delegate", true);
    cpus = cpus(fields.get("cpus"));
    outputs = bool(fields, "outputs", false);
    warmUpRuns = (int) integer(fields, "warm_up_runs", 0, 0, 1_000_000);
    warmUpSeconds = real(fields, "warm_up_seconds", 0, 3_600);
    settleRuns = (int) integer(fields, "settle_runs", 2, 0, 1_000);
    seconds = real(fields, "seconds", 60, 86_400);
    List<?> given = list(fields, "turns", MOST_TURNS);
    turns = new int[given.size()];
    runs = new int[given.size()];
    for (int i = 0; i < turns.length; i++) {
      takeTurn(i, given.get(i));
    }
  }

  /** @throws IllegalArgumentException that names the field, what was expected and what came */
  public static Job parse(String json) {
    return new Job(Json.object(Json.parse(json), "job"));
  }

  private void takeTurn(int at, Object turn) {
    List<?> pair = turn instanceof List ? (List<?>) turn : Collections.emptyList();
    if (pair.size() != 2 || !isIn(pair.get(0), -1, models.size() - 1)
        || !isIn(pair.get(1), 1, 3_600_000)) {
      throw new IllegalArgumentException(
          "turns: expected [model, runs] or [-1, milliseconds], got " + turn);
    }
    turns[at] = ((Long) pair.get(0)).intValue();
    runs[at] = ((Long) pair.get(1)).intValue();
  }

  private static boolean isIn(Object value, long low, long high) {
    return value instanceof Long && (Long) value >= low && (Long) value <= high;
  }

  private static List<Entry> entries(Object value) {
    if (!(value instanceof List) || ((List<?>) value).isEmpty() || ((List<?>) value).size() > 64) {
      throw new IllegalArgumentException("models: expected a list of 1 to 64, got " + value);
    }
    List<Entry> out = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Object item : (List<?>) value) {
      Map<String, Object> fields = Json.object(item, "models");
      checkKeys(fields, "name", "file", "asset", "inputs");
      String file = fields.containsKey("file") ? safeName("file", fields.get("file")) : null;
      String asset = fields.containsKey("asset") ? safeName("asset", fields.get("asset")) : null;
      if ((file == null) == (asset == null)) {
        throw new IllegalArgumentException("models: expected either file or asset, got " + fields);
      }
      String name =
          fields.containsKey("name") ? safeName("name", fields.get("name"))
              : file != null ? file : asset;
      if (!names.add(name)) {
        throw new IllegalArgumentException("models: expected names that differ, got " + name);
      }
      String inputs = fields.containsKey("inputs") ? safeName("inputs", fields.get("inputs")) : null;
      out.add(new Entry(name, file, asset, inputs));
    }
    return Collections.unmodifiableList(out);
  }

  private static String safeName(String field, Object value) {
    if (!(value instanceof String) || !Frame.isSafe((String) value)) {
      throw new IllegalArgumentException(
          field + ": expected 1 to 100 of A-Z a-z 0-9 . _ -, got " + value);
    }
    return (String) value;
  }

  private static List<Integer> cpus(Object value) {
    List<Integer> out = new ArrayList<>();
    if (value == null) {
      return out;
    }
    if (!(value instanceof List)) {
      throw new IllegalArgumentException("cpus: expected a list of numbers, got " + value);
    }
    for (Object item : (List<?>) value) {
      if (!isIn(item, 0, 63)) {
        throw new IllegalArgumentException("cpus: expected numbers of 0 to 63, got " + item);
      }
      out.add(((Long) item).intValue());
    }
    return Collections.unmodifiableList(out);
  }

  private static List<?> list(Map<String, Object> fields, String name, int most) {
    Object value = fields.containsKey(name) ? fields.get(name) : Collections.emptyList();
    if (!(value instanceof List) || ((List<?>) value).size() > most) {
      throw new IllegalArgumentException(name + ": expected a list of at most " + most);
    }
    return (List<?>) value;
  }

  private static void checkKeys(Map<String, Object> fields, String... known) {
    Set<String> rest = new HashSet<>(fields.keySet());
    rest.removeAll(java.util.Arrays.asList(known));
    if (!rest.isEmpty()) {
      throw new IllegalArgumentException("expected known fields, got " + rest);
    }
  }

  private static long integer(
      Map<String, Object> fields, String name, long otherwise, long low, long high) {
    Object value = fields.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!isIn(value, low, high)) {
      throw new IllegalArgumentException(
          name + ": expected a whole number of " + low + " to " + high + ", got " + value);
    }
    return (Long) value;
  }

  private static double real(
      Map<String, Object> fields, String name, double otherwise, double high) {
    Object value = fields.get(name);
    if (value == null) {
      return otherwise;
    }
    double number = value instanceof Number ? ((Number) value).doubleValue() : -1;
    if (!(number >= 0 && number <= high)) {
      throw new IllegalArgumentException(
          name + ": expected a number of 0 to " + (long) high + ", got " + value);
    }
    return number;
  }

  private static boolean bool(Map<String, Object> fields, String name, boolean otherwise) {
    Object value = fields.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof Boolean)) {
      throw new IllegalArgumentException(name + ": expected true or false, got " + value);
    }
    return (Boolean) value;
  }
}
