package org.xncaps.core;

import java.nio.ByteBuffer;
import org.tensorflow.lite.schema.Metadata;
import org.tensorflow.lite.schema.Model;
import org.tensorflow.lite.schema.Operator;
import org.tensorflow.lite.schema.OperatorCode;
import org.tensorflow.lite.schema.QuantizationParameters;
import org.tensorflow.lite.schema.SubGraph;
import org.tensorflow.lite.schema.Tensor;

/**
 * Counts what readers copy for each table of a model. In a flatbuffer many tables may name one vector,
 * so a file of 600 KB can ask for gigabytes of names or shapes, here or in TensorFlow Lite.
 */
final class SharedVectors {
  /** Copies of a file whose tables have vectors of their own are smaller than the file. */
  private static final int MOST_COPIES = 2;

  private final String fileName;
  private long left;

  private SharedVectors(String fileName, long left) {
    this.fileName = fileName;
    this.left = left;
  }

  /** @throws ModelException where the copies would be larger than the file can mean */
  static void check(Model model, String fileName, int size) throws ModelException {
    SharedVectors counted = new SharedVectors(fileName, (long) MOST_COPIES * size);
    for (int i = 0; i < model.operatorCodesLength(); i++) {
      OperatorCode code = model.operatorCodes(i);
      counted.spend("op codes", bytes(code.customCodeAsByteBuffer()));
    }
    for (int i = 0; i < model.metadataLength(); i++) {
      Metadata entry = model.metadata(i);
      counted.spend("metadata names", bytes(entry.nameAsByteBuffer()));
    }
    for (int i = 0; i < model.subgraphsLength(); i++) {
      counted.graph(model.subgraphs(i));
    }
  }

  private void graph(SubGraph graph) throws ModelException {
    spend("inputs and outputs", words(graph.inputsLength(), graph.outputsLength()));
    for (int i = 0; i < graph.tensorsLength(); i++) {
      tensor(graph.tensors(i));
    }
    for (int i = 0; i < graph.operatorsLength(); i++) {
      Operator op = graph.operators(i);
      spend(
          "ops' tensors",
          words(op.inputsLength(), op.outputsLength(), op.intermediatesLength()));
    }
  }

  private void tensor(Tensor tensor) throws ModelException {
    spend("shapes", words(tensor.shapeLength(), tensor.shapeSignatureLength()));
    QuantizationParameters quantization = tensor.quantization();
    if (quantization != null) {
      // A zero point has eight bytes.
      int zeroPoints = quantization.zeroPointLength();
      spend("scales", words(quantization.scaleLength(), zeroPoints, zeroPoints));
    }
  }

  private static long bytes(ByteBuffer text) {
    return text == null ? 0 : text.remaining();
  }

  private static long words(int... lengths) {
    long sum = 0;
    for (int length : lengths) {
      if (length < 0) {
        throw new IllegalArgumentException("a vector of " + length + " elements");
      }
      sum += 4L * length;
    }
    return sum;
  }

  /** Counts a table's entry in the vector that holds it, and the bytes that are copied for it. */
  private void spend(String what, long bytes) throws ModelException {
    left -= 4 + bytes;
    if (left < 0) {
      throw new ModelException(
          ModelException.Kind.BROKEN,
          fileName + ": expected " + what
              + " that fit into the file, got the same bytes over and over");
    }
  }
}
