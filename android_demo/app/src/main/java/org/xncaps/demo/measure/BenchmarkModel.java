package org.xncaps.demo.measure;

import android.content.Context;
import android.os.Debug;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.xncaps.core.BenchmarkJob;
import org.xncaps.core.Clock;
import org.xncaps.core.ModelException;
import org.xncaps.core.Samples;
import org.xncaps.demo.models.Classifier;
import org.xncaps.demo.models.ModelStore;

/** One model of a job: loading, outputs for the host to compare, and its times. */
public final class BenchmarkModel implements AutoCloseable {
  private final BenchmarkJob.Entry entry;
  private final BenchmarkJob job;
  private final BenchmarkFolder folder;
  private final Samples samples = new Samples();
  private final Map<String, Object> facts = new LinkedHashMap<>();
  private Classifier classifier;
  private ByteBuffer inputs;
  private ByteBuffer input;
  private int cases;
  private String error;

  public BenchmarkModel(Context context, BenchmarkJob.Entry entry, BenchmarkJob job, BenchmarkFolder folder) {
    this.entry = entry;
    this.job = job;
    this.folder = folder;
    try {
      load(new ModelStore(context));
    } catch (IOException | RuntimeException e) {
      android.util.Log.w("xncaps", "benchmark model " + entry.name, e);
      error = String.valueOf(e.getMessage());
    }
  }

  private void load(ModelStore store) throws IOException {
    long before = Debug.getPss();
    long start = Clock.nanos();
    ModelStore.Loaded file =
        entry.asset != null ? store.load(ModelStore.ASSET + entry.asset)
            : ModelStore.file(folder.file(entry.file));
    classifier = Classifier.open(file, job.threads, job.delegate);
    facts.put("load_ns", Clock.nanos() - start);
    facts.put("pss_kb_added", Debug.getPss() - before);
    facts.put("bytes", file.bytes.capacity());
    facts.put("sha256", sha256(file.bytes.duplicate()));
    facts.put("runtime", classifier.runtime);
    facts.put("delegate_error", classifier.delegateFailure);
    if (classifier.delegateFailure != null) {
      // Times of another runtime than the one asked for would be taken for its own.
      throw new IOException("the delegate failed: " + classifier.delegateFailure);
    }
    prepareInputs(classifier.model.input.tensor.byteSize());
  }

  private void prepareInputs(int size) throws IOException {
    input = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
    if (entry.inputs == null) {
      cases = 0;
      for (int i = 0; i < size; i++) {
        input.put(i, (byte) 0);
      }
      return;
    }
    inputs = folder.map(entry.inputs);
    if (inputs.capacity() == 0 || inputs.capacity() % size != 0) {
      throw new ModelException(
          ModelException.Kind.UNFIT,
          entry.inputs + ": expected a multiple of " + size + " bytes, got " + inputs.capacity());
    }
    cases = inputs.capacity() / size;
    take(0);
  }

  private void take(int index) {
    ByteBuffer from = inputs.duplicate();
    from.position(index * input.capacity());
    from.limit((index + 1) * input.capacity());
    input.clear();
    input.put(from);
    input.rewind();
  }

  public String name() {
    return entry.name;
  }

  public boolean failed() {
    return error != null;
  }

  /**
   * First run; then every input once, outputs to NAME.outputs.bin; then the warm-up: so many runs,
   * and more until so many seconds are over.
   */
  public void compute(int warmup, double seconds) throws IOException {
    if (failed()) {
      return;
    }
    try {
      long start = Clock.nanos();
      classifier.run(input);
      facts.put("first_run_ns", Clock.nanos() - start);
      if (cases > 0) {
        writeOutputs();
      }
      start = Clock.nanos();
      for (int i = 0; i < warmup || Clock.nanos() - start < seconds * 1e9; i++) {
        classifier.run(input);
      }
    } catch (RuntimeException e) {
      error = String.valueOf(e.getMessage());
    }
  }

  /** A run that is not timed: after a rest caches and clocks are not what they were. */
  public void settle() {
    if (!wantsMore()) {
      return;
    }
    try {
      input.rewind();
      classifier.run(input);
    } catch (RuntimeException e) {
      error = String.valueOf(e.getMessage());
    }
  }

  private void writeOutputs() throws IOException {
    String name = entry.name + ".outputs.bin";
    try (FileOutputStream file = new FileOutputStream(folder.file(name));
        FileChannel channel = file.getChannel()) {
      for (int i = 0; i < cases; i++) {
        take(i);
        classifier.run(input);
        ByteBuffer raw = classifier.rawOutput().duplicate();
        raw.rewind();
        raw.limit(raw.capacity());
        while (raw.hasRemaining()) {
          channel.write(raw);
        }
      }
    }
    take(0);
    facts.put("outputs", name);
    facts.put("output_type", classifier.model.output.type.name().toLowerCase(java.util.Locale.ROOT));
    facts.put("output_scale", classifier.model.output.scale);
    facts.put("output_zero_point", classifier.model.output.zeroPoint);
    facts.put("cases", cases);
  }

  public boolean wantsMore() {
    return !failed() && samples.count() < job.runs && samples.totalNanos() < job.seconds * 1e9;
  }

  public void time(long atMillis) {
    try {
      input.rewind();
      long start = Clock.nanos();
      classifier.run(input);
      samples.add(Clock.nanos() - start, atMillis);
    } catch (RuntimeException e) {
      error = String.valueOf(e.getMessage());
    }
  }

  public Map<String, Object> result() {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("name", entry.name);
    out.put("error", error);
    out.putAll(facts);
    // A model that failed half-way has no times that anyone should quote.
    out.put("summary", failed() ? null : samples.summary());
    out.put("samples_ns", failed() ? new long[0] : samples.nanos());
    out.put("samples_at_ms", failed() ? new long[0] : samples.atMillis());
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
