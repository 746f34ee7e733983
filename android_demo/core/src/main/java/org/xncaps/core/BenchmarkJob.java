package org.xncaps.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the benchmark screen is told to do: the JSON of docs/android.md, checked. */
public final class BenchmarkJob {
  public static final int VERSION = 1;

  /** One model of a job. */
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

  public final String id;
  public final List<Entry> models;
  public final int threads;
  public final boolean delegate;
  public final int warmup;
  public final double warmupSeconds;
  public final int runs;
  public final double seconds;
  public final double cooldown;
  public final long seed;
  public final List<Integer> cpus;

  private BenchmarkJob(Map<String, Object> fields) {
    checkKeys(
        fields, "version", "id", "models", "threads", "delegate", "warmup", "warmup_seconds", "runs",
        "seconds", "cooldown", "seed", "cpus");
    long version = integer(fields, "version", VERSION, 1, Integer.MAX_VALUE);
    if (version != VERSION) {
      throw new IllegalArgumentException("version: expected " + VERSION + ", got " + version);
    }
    id = safeName("id", fields.get("id"));
    models = entries(fields.get("models"));
    threads = (int) integer(fields, "threads", 1, 1, 64);
    delegate = bool(fields, "delegate", true);
    warmup = (int) integer(fields, "warmup", 16, 0, 1_000_000);
    warmupSeconds = real(fields, "warmup_seconds", 0, 3_600);
    runs = (int) integer(fields, "runs", 1024, 0, 1_000_000);
    seconds = real(fields, "seconds", 60, 86_400);
    cooldown = real(fields, "cooldown", 0, 3_600);
    seed = integer(fields, "seed", 0, Long.MIN_VALUE, Long.MAX_VALUE);
    cpus = cpus(fields.get("cpus"));
  }

  /** @throws IllegalArgumentException that names the field, what was expected and what came */
  public static BenchmarkJob parse(String json) {
    if (json == null) {
      throw new IllegalArgumentException("expected the extra 'job' with JSON, got none");
    }
    return new BenchmarkJob(Json.object(Json.parse(json), "job"));
  }

  private static List<Entry> entries(Object value) {
    if (!(value instanceof List) || ((List<?>) value).isEmpty()) {
      throw new IllegalArgumentException("models: expected a list of at least one, got " + value);
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

  /** Names become files in the job's own folder: no separators, no dots in front. */
  private static String safeName(String field, Object value) {
    if (!(value instanceof String)
        || !((String) value).matches("[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")) {
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
      if (!(item instanceof Long) || (Long) item < 0 || (Long) item > 63) {
        throw new IllegalArgumentException("cpus: expected numbers of 0 to 63, got " + item);
      }
      out.add(((Long) item).intValue());
    }
    return Collections.unmodifiableList(out);
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
    if (!(value instanceof Long) || (Long) value < low || (Long) value > high) {
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
