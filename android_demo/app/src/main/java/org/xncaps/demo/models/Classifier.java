package org.xncaps.demo.models;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.TensorFlowLite;
import org.xncaps.core.ClassifierModel;
import org.xncaps.core.ModelException;
import org.xncaps.core.ModelReader;
import org.xncaps.delegate.XncapsDelegate;

/** A model in an interpreter: tensors in, tensors out. Used and closed by one thread. */
public final class Classifier implements AutoCloseable {
  private static final AtomicInteger OPEN = new AtomicInteger();

  public final ClassifierModel model;
  /** Of its card, else the model's own name. */
  public final String title;
  /** The file's size. */
  public final int bytes;
  /** The runtime that really runs, for the screen and the results. */
  public final String runtime;
  /** Why the delegate does not run though it was asked for; null where it does or was not. */
  public final String delegateFailure;

  /** How many of the graph's nodes the delegate runs; 0 without it. */
  public final int delegateNodes;

  private final Interpreter interpreter;
  private final XncapsDelegate delegate;
  private final ByteBuffer output;

  private Classifier(
      ClassifierModel model, ModelStore.Loaded file, Interpreter interpreter, XncapsDelegate delegate,
      String delegateFailure) {
    this.model = model;
    this.bytes = file.bytes.capacity();
    this.title = file.title == null ? model.name : file.title;
    this.interpreter = interpreter;
    this.delegate = delegate;
    this.delegateFailure = delegateFailure;
    this.output =
        ByteBuffer.allocateDirect(model.output.byteSize()).order(ByteOrder.nativeOrder());
    String tflite = "TensorFlow Lite " + TensorFlowLite.runtimeVersion();
    this.delegateNodes = delegate == null ? 0 : delegate.nodes();
    this.runtime = delegateNodes > 0 ? tflite + " + xncaps " + XncapsDelegate.version() : tflite;
    OPEN.incrementAndGet();
  }

  /** @throws ModelException with what to tell the user */
  public static Classifier open(ModelStore.Loaded file, int threads, boolean wantDelegate)
      throws ModelException {
    ClassifierModel model = ModelReader.read(file.bytes, file.name);
    NativeRuntime.check();
    XncapsDelegate delegate = null;
    String failure = null;
    if (wantDelegate) {
      try {
        delegate = new XncapsDelegate(threads);
      } catch (UnsupportedOperationException | IllegalStateException e) {
        failure = e.getMessage();
      }
    }
    try {
      model.ops.check(delegate != null);
      Interpreter.Options options = new Interpreter.Options().setNumThreads(threads);
      if (delegate != null) {
        options.addDelegate(delegate);
      }
      return new Classifier(
          model, file, interpreter(file, options), delegate, failure);
    } catch (ModelException | RuntimeException e) {
      if (delegate != null) {
        delegate.close();
      }
      throw e;
    }
  }

  private static Interpreter interpreter(ModelStore.Loaded file, Interpreter.Options options)
      throws ModelException {
    Interpreter made = null;
    try {
      made = new Interpreter(file.bytes, options);
      made.allocateTensors();
      return made;
    } catch (IllegalArgumentException | IllegalStateException e) {
      if (made != null) {
        made.close();
      }
      String words = String.valueOf(e.getMessage());
      boolean op = words.contains("unresolved") || words.contains("op code")
          || words.contains("Didn't find op") || words.contains("version");
      throw new ModelException(
          op ? ModelException.Kind.UNKNOWN_OP : ModelException.Kind.BROKEN,
          file.name + ": " + words.trim(), e);
    } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
      throw NativeRuntime.missing(e);
    }
  }

  /** The scores, one a class, for an input that {@code Preprocessor} made. */
  public float[] run(ByteBuffer input) {
    output.clear();
    interpreter.run(input, output);
    return model.output.read(output);
  }

  /** One run as an app makes it: the input copied in, the output copied out. */
  public void invoke(ByteBuffer input) {
    output.clear();
    interpreter.run(input, output);
  }

  /** What the interpreter itself says the last run took, without the copies; 0 if it does not. */
  public long nativeNanos() {
    Long nanos = interpreter.getLastNativeInferenceDurationNanoseconds();
    return nanos == null ? 0 : nanos;
  }

  /** The raw output of the last run, for exact comparisons. */
  public ByteBuffer rawOutput() {
    return output;
  }

  @Override
  public void close() {
    interpreter.close(); // before its delegate
    if (delegate != null) {
      delegate.close();
    }
    OPEN.decrementAndGet();
  }

  /** For tests: how many were opened and not closed. */
  public static int open() {
    return OPEN.get();
  }
}
