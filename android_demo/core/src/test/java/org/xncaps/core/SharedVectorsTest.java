package org.xncaps.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.flatbuffers.FlatBufferBuilder;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.Test;
import org.tensorflow.lite.schema.Metadata;
import org.tensorflow.lite.schema.Model;
import org.tensorflow.lite.schema.Operator;
import org.tensorflow.lite.schema.OperatorCode;
import org.tensorflow.lite.schema.QuantizationParameters;
import org.tensorflow.lite.schema.SubGraph;
import org.tensorflow.lite.schema.Tensor;

/** Files of 580 KB whose tables are one and the same, with a vector that must not be copied for each. */
public final class SharedVectorsTest {
  private static final int TABLES = 20_000;
  private static final int BYTES = 500_000;

  private final FlatBufferBuilder builder = new FlatBufferBuilder(1024);

  private int words() {
    builder.startVector(4, BYTES / 4, 4);
    for (int i = 0; i < BYTES / 4; i++) {
      builder.addInt(1);
    }
    return builder.endVector();
  }

  private int text() {
    byte[] letters = new byte[BYTES];
    Arrays.fill(letters, (byte) 'n');
    return builder.createString(ByteBuffer.wrap(letters));
  }

  private int repeated(int table, int count) {
    builder.startVector(4, count, 4);
    for (int i = 0; i < count; i++) {
      builder.addOffset(table);
    }
    return builder.endVector();
  }

  private int graph(int tensors, int operators) {
    SubGraph.startSubGraph(builder);
    SubGraph.addTensors(builder, tensors);
    SubGraph.addOperators(builder, operators);
    return repeated(SubGraph.endSubGraph(builder), 1);
  }

  private ModelException refused(int graphs, int codes, int metadata) {
    Model.startModel(builder);
    Model.addSubgraphs(builder, graphs);
    Model.addOperatorCodes(builder, codes);
    Model.addMetadata(builder, metadata);
    Model.finishModelBuffer(builder, Model.endModel(builder));
    byte[] file = builder.sizedByteArray();
    assertTrue(file.length + " bytes", file.length < 600_000);
    ModelException error =
        assertThrows(
            ModelException.class, () -> ModelReader.read(ByteBuffer.wrap(file), "file.tflite"));
    assertEquals(error.getMessage(), ModelException.Kind.BROKEN, error.kind);
    return error;
  }

  private static void assertSays(ModelException error, String what) {
    String words = "file.tflite: expected " + what + " that fit into the file, got the same bytes";
    assertTrue(error.getMessage(), error.getMessage().startsWith(words));
  }

  @Test
  public void shapes() {
    int shape = words();
    Tensor.startTensor(builder);
    Tensor.addShape(builder, shape);
    assertSays(refused(graph(repeated(Tensor.endTensor(builder), TABLES), 0), 0, 0), "shapes");
  }

  @Test
  public void shapeSignatures() {
    int shape = words();
    Tensor.startTensor(builder);
    Tensor.addShapeSignature(builder, shape);
    assertSays(refused(graph(repeated(Tensor.endTensor(builder), TABLES), 0), 0, 0), "shapes");
  }

  @Test
  public void scales() {
    int scale = words();
    QuantizationParameters.startQuantizationParameters(builder);
    QuantizationParameters.addScale(builder, scale);
    int quantization = QuantizationParameters.endQuantizationParameters(builder);
    Tensor.startTensor(builder);
    Tensor.addQuantization(builder, quantization);
    assertSays(refused(graph(repeated(Tensor.endTensor(builder), TABLES), 0), 0, 0), "scales");
  }

  @Test
  public void inputsOfOps() {
    int inputs = words();
    Operator.startOperator(builder);
    Operator.addInputs(builder, inputs);
    int operators = repeated(Operator.endOperator(builder), TABLES);
    assertSays(refused(graph(0, operators), 0, 0), "ops' tensors");
  }

  @Test
  public void graphsThatShareTheirTensors() {
    Tensor.startTensor(builder);
    int tensors = repeated(Tensor.endTensor(builder), TABLES);
    SubGraph.startSubGraph(builder);
    SubGraph.addTensors(builder, tensors);
    int graphs = repeated(SubGraph.endSubGraph(builder), TABLES);
    assertSays(refused(graphs, 0, 0), "shapes");
  }

  @Test
  public void namesOfCustomOps() {
    int name = text();
    OperatorCode.startOperatorCode(builder);
    OperatorCode.addCustomCode(builder, name);
    int codes = repeated(OperatorCode.endOperatorCode(builder), TABLES);
    assertSays(refused(graph(0, 0), codes, 0), "op codes");
  }

  @Test
  public void namesOfMetadata() {
    int name = text();
    Metadata.startMetadata(builder);
    Metadata.addName(builder, name);
    int metadata = repeated(Metadata.endMetadata(builder), TABLES);
    assertSays(refused(graph(0, 0), 0, metadata), "metadata names");
  }
}
