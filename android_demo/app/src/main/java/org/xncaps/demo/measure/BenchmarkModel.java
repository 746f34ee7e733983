package org.xncaps.demo.measure;

import android.os.Debug;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.xncaps.core.Clock;
import org.xncaps.core.ModelException;
import org.xncaps.core.measure.Job;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelStore;

/** One model of a job: loading, outputs for the host to compare, and the times of its turns. */
final class BenchmarkModel implements AutoCloseable {
  /** Untimed runs whose median tells the host how long a run is, to plan the turns. */
  private static final int TRIAL_RUNS = 5;

  private final Job.Entry entry;
  private final Job job;
  private final Map<String, Object> facts = new LinkedHashMap<>();
  private List<Object> turns = new ArrayList<>();
  private Classifier classifier;
  private ByteBuffer inputs;
  private ByteBuffer input;
  private int cases;
  private int next;
  private long spentNanos;
  private String error;

  BenchmarkModel(Job.Entry entry, Job job, JobFiles files) {
    this.entry = entry;
    this.job = job;
    try {
      load(files);
    } catch (IOException | RuntimeException e) {
      failed(e);
    }
  }

  private void load(JobFiles files) throws IOException {
    long before = Debug.getPss();
    long start = Clock.nanos();
    ModelStore.Loaded file = files.model(entry);
    classifier = Classifier.open(file, job.threads, job.delegate);
    facts.put("load_ns", Clock.nanos() - start);
    facts.put("pss_kb_added", Debug.getPss() - before);
    facts.put("bytes", file.bytes.capacity());
    facts.put("sha256", sha256(file.bytes.duplicate()));
    facts.put("runtime", classifier.runtime);
    facts.put("delegate_error", classifier.delegateFailure);
    facts.put("classes", classifier.model.classes());
    facts.put("delegate_nodes", classifier.delegateNodes);
    facts.put("custom_ops", new ArrayList<>(classifier.model.ops.delegated));
    if (classifier.delegateFailure != null) {
      // Times of another runtime than the one asked for would be taken for its own.
      throw new IOException("the delegate failed: " + classifier.delegateFailure);
    }
    inputs = files.inputs(entry);
    prepareInputs(classifier.model.input.tensor.byteSize());
    start = Clock.nanos();
    classifier.invoke(input);
    facts.put("first_run_ns", Clock.nanos() - start);
  }

  private void prepareInputs(int size) throws IOException {
    input = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
    if (inputs == null) {
      return;
    }
    if (inputs.capacity() == 0 || inputs.capacity() % size != 0) {
      throw new ModelException(
          ModelException.Kind.UNFIT,
          entry.name + ": inputs: expected a multiple of " + size + " bytes, got " + inputs.capacity());
    }
    cases = inputs.capacity() / size;
    take(0);
  }

  private void take(int index) {
    if (cases == 0) {
      return;
    }
    ByteBuffer from = inputs.duplicate();
    from.position(index % cases * input.capacity());
    from.limit(from.position() + input.capacity());
    input.clear();
    input.put(from);
    input.rewind();
  }

  String name() {
    return entry.name;
  }

  boolean hasFailed() {
    return error != null;
  }

  private void failed(Exception e) {
    android.util.Log.w("xncaps", "benchmark model " + entry.name, e);
    error = String.valueOf(e.getMessage());
    turns.clear(); // a model that failed half-way has no times that anyone should quote
  }

  /** The outputs of all inputs, one after the other, and how long a run takes; null if it failed. */
  byte[] outputs() {
    try {
      int size = classifier.model.output.byteSize();
      if ((long) size * cases > org.xncaps.core.measure.Frame.Kind.OUTPUT.longest) {
        throw new IllegalArgumentException("expected less outputs, got " + cases + " of " + size);
      }
      ByteBuffer all = ByteBuffer.allocate(size * cases);
      for (int i = 0; i < cases; i++) {
        take(i);
        classifier.invoke(input);
        ByteBuffer raw = classifier.rawOutput().duplicate();
        raw.clear();
        all.put(raw);
      }
      take(0);
      facts.put(
          "output_type", classifier.model.output.type.name().toLowerCase(Locale.ROOT));
      facts.put("output_scale", classifier.model.output.scale);
      facts.put("output_zero_point", classifier.model.output.zeroPoint);
      facts.put("cases", cases);
      long[] trial = new long[TRIAL_RUNS];
      for (int i = 0; i < trial.length; i++) {
        trial[i] = run();
      }
      Arrays.sort(trial);
      facts.put("run_ns", trial[trial.length / 2]);
      return all.array();
    } catch (RuntimeException e) {
      failed(e);
      return null;
    }
  }

  /** Untimed runs: so many, and more until so many seconds are over; none once it is cancelled. */
  void warmUp(int runs, double seconds, BooleanSupplier cancelled) {
    try {
      long start = Clock.nanos();
      for (int i = 0;
          !cancelled.getAsBoolean() && (i < runs || Clock.nanos() - start < seconds * 1e9); i++) {
        run();
      }
    } catch (RuntimeException e) {
      failed(e);
    }
  }

  boolean wantsMore() {
    return !hasFailed() && spentNanos < job.seconds * 1e9;
  }

  /** One turn: the next input, untimed runs (other models had the caches), timed ones. */
  void turn(int runs, long jobNanos) {
    long[] whole = new long[runs];
    long[] own = new long[runs];
    try {
      take(next++);
      for (int i = 0; i < job.settleRuns; i++) {
        run();
      }
      long began = Clock.nanos() - jobNanos;
      for (int i = 0; i < runs; i++) {
        whole[i] = run();
        own[i] = classifier.nativeNanos();
      }
      for (long nanos : whole) {
        spentNanos += nanos;
      }
      turns.add(Arrays.asList(began, whole, own));
    } catch (RuntimeException e) {
      failed(e);
    }
  }

  private long run() {
    input.rewind();
    long start = Clock.nanos();
    classifier.invoke(input);
    return Clock.nanos() - start;
  }

  /** The turns since the last call: when each began, what its runs took, and what they say. */
  List<Object> takeTurns() {
    List<Object> taken = turns;
    turns = new ArrayList<>();
    return taken;
  }

  Map<String, Object> result() {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("name", entry.name);
    out.put("error", error);
    out.putAll(facts);
    return out;
  }

  private static String sha256(ByteBuffer bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      bytes.rewind();
      digest.update(bytes);
      StringBuilder out = new StringBuilder();
      for (byte b : digest.digest()) {
        out.append(String.format("%02x", b));
      }
      return out.toString();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Android has SHA-256", e);
    }
  }

  @Override
  public void close() {
    if (classifier != null) {
      classifier.close();
      classifier = null;
    }
  }
}
