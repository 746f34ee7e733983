package org.xncaps.core;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.tensorflow.lite.schema.Model;
import org.tensorflow.lite.support.metadata.MetadataExtractor;
import org.tensorflow.lite.support.metadata.MetadataExtractor.QuantizationParams;
import org.tensorflow.lite.support.metadata.schema.AssociatedFile;
import org.tensorflow.lite.support.metadata.schema.AssociatedFileType;
import org.tensorflow.lite.support.metadata.schema.ModelMetadata;
import org.tensorflow.lite.support.metadata.schema.NormalizationOptions;
import org.tensorflow.lite.support.metadata.schema.ProcessUnitOptions;
import org.tensorflow.lite.support.metadata.schema.TensorMetadata;

/**
 * Reads a .tflite file's shapes, types and metadata: the standard TFLITE_METADATA flatbuffer and the
 * files appended to the model as a ZIP (label file, xncaps.json).
 */
public final class ModelReader {
  /** The associated file with what the standard metadata has no field for (docs/metadata.md). */
  static final String EXTRAS = "xncaps.json";

  /** Of xncaps.json: the newest that is understood (docs/metadata.md). */
  private static final int FORMAT_VERSION = 2;

  private static final int SMALLEST = 8 + 16;

  private final MetadataExtractor extractor;
  private final String fileName;

  private ModelReader(MetadataExtractor extractor, String fileName) {
    this.extractor = extractor;
    this.fileName = fileName;
  }

  /**
   * @param file the whole file; position and limit are left alone
   * @param fileName stands in where the metadata has no name
   */
  public static ClassifierModel read(ByteBuffer file, String fileName) throws ModelException {
    ByteBuffer view = file.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    view.rewind();
    checkHeader(view, fileName);
    try {
      Model model = Model.getRootAsModel(view.duplicate().order(ByteOrder.LITTLE_ENDIAN));
      SharedVectors.check(model, fileName, view.limit());
      return new ModelReader(new MetadataExtractor(view), fileName).read(Ops.of(model));
    } catch (ModelException e) {
      throw e;
    } catch (IOException | RuntimeException | AssertionError | OutOfMemoryError e) {
      // The flatbuffer classes check nothing: a damaged file ends in any unchecked exception, or in
      // an array of a damaged length.
      throw new ModelException(
          ModelException.Kind.BROKEN, fileName + ": damaged or cut short (" + e + ")", e);
    }
  }

  private static void checkHeader(ByteBuffer file, String fileName) throws ModelException {
    byte[] id = new byte[4];
    if (file.limit() >= SMALLEST) {
      for (int i = 0; i < 4; i++) {
        id[i] = file.get(4 + i);
      }
    }
    if (!"TFL3".equals(new String(id, StandardCharsets.US_ASCII))) {
      throw new ModelException(
          ModelException.Kind.BROKEN,
          fileName + ": expected a TensorFlow Lite model (TFL3), got something else");
    }
  }

  private ClassifierModel read(Ops ops) throws IOException {
    if (extractor.getInputTensorCount() != 1 || extractor.getOutputTensorCount() != 1) {
      throw new ModelException(
          ModelException.Kind.UNFIT,
          fileName + ": expected one input and one output, got " + extractor.getInputTensorCount()
              + " and " + extractor.getOutputTensorCount());
    }
    TensorSpec input =
        spec("input", extractor.getInputTensorShape(0), extractor.getInputTensorType(0),
            extractor.getInputTensorQuantizationParams(0));
    TensorSpec output =
        spec("output", extractor.getOutputTensorShape(0), extractor.getOutputTensorType(0),
            extractor.getOutputTensorQuantizationParams(0));
    int classes = ClassifierModel.classesOf(output);
    if (output.elements() != classes) {
      throw new ModelException(
          ModelException.Kind.UNFIT, "output: expected [1, classes], got " + output);
    }
    boolean has = extractor.hasMetadata() && extractor.getModelMetadata() != null;
    ModelMetadata metadata = has ? extractor.getModelMetadata() : null;
    List<String> labels = has ? labels(classes) : Collections.<String>emptyList();
    String name = has && metadata.name() != null ? metadata.name() : fileName;
    String words = has && metadata.description() != null ? metadata.description() : "";
    Map<String, Object> extras = has ? extras() : Collections.<String, Object>emptyMap();
    return new ClassifierModel(
        fileName, name, words, inputSpec(input, has, extras), output, scores(extras), labels, has,
        ops);
  }

  private static TensorSpec spec(String where, int[] shape, byte type, QuantizationParams params)
      throws ModelException {
    ElementType element = ElementType.ofSchema(type, where);
    try {
      return new TensorSpec(shape, element, params.getScale(), params.getZeroPoint());
    } catch (IllegalArgumentException e) {
      throw new ModelException(
          ModelException.Kind.UNFIT, where + ": " + e.getMessage(), e);
    }
  }

  private InputSpec inputSpec(
      TensorSpec tensor, boolean hasMetadata, Map<String, Object> extras) throws IOException {
    float[] mean = {0};
    float[] std = {1};
    if (!hasMetadata) {
      return new InputSpec(tensor, mean, std, false);
    }
    TensorMetadata about = extractor.getInputTensorMetadata(0);
    // The last unit holds, so that many which share long vectors are not read one by one.
    for (int i = about == null ? -1 : about.processUnitsLength() - 1; i >= 0; i--) {
      if (about.processUnits(i).optionsType() == ProcessUnitOptions.NormalizationOptions) {
        NormalizationOptions options =
            (NormalizationOptions) about.processUnits(i).options(new NormalizationOptions());
        mean = new float[options.meanLength()];
        std = new float[options.stdLength()];
        for (int c = 0; c < mean.length; c++) {
          mean[c] = options.mean(c);
        }
        for (int c = 0; c < std.length; c++) {
          std[c] = options.std(c);
        }
        break;
      }
    }
    return new InputSpec(tensor, mean, std, inverted(tensor, extras));
  }

  /** What the associated file says; empty where there is none. */
  private Map<String, Object> extras() throws IOException {
    String text = associated(EXTRAS);
    try {
      return text == null ? Collections.<String, Object>emptyMap()
          : known(Json.object(Json.parse(text), EXTRAS));
    } catch (IllegalArgumentException e) {
      throw contradiction(e);
    }
  }

  /** The same where its version is one that is understood; the first was not told by all. */
  private static Map<String, Object> known(Map<String, Object> extras) {
    Object version = extras.containsKey("format_version") ? extras.get("format_version") : 1L;
    if (!(version instanceof Long) || (Long) version < 1 || (Long) version > FORMAT_VERSION) {
      throw new IllegalArgumentException(
          "format_version: expected 1 to " + FORMAT_VERSION + ", got " + version
              + "; a newer app reads what a newer xncaps wrote");
    }
    return extras;
  }

  private static ModelException contradiction(IllegalArgumentException e) {
    return new ModelException(ModelException.Kind.METADATA, EXTRAS + ": " + e.getMessage(), e);
  }

  private static Scores scores(Map<String, Object> extras) throws ModelException {
    try {
      return extras.get("output") == null ? Scores.UNKNOWN
          : Scores.of(Json.object(extras.get("output"), "output"));
    } catch (IllegalArgumentException e) {
      throw contradiction(e);
    }
  }

  /** Whether to invert; checks that the file's own account of its channels fits the model. */
  private static boolean inverted(TensorSpec tensor, Map<String, Object> extras)
      throws ModelException {
    if (extras.get("input") == null) {
      return false;
    }
    Map<String, Object> input;
    try {
      input = Json.object(extras.get("input"), "input");
    } catch (IllegalArgumentException e) {
      throw contradiction(e);
    }
    Object order = input.get("channel_order");
    int channels = "RGB".equals(order) ? 3 : "GRAYSCALE".equals(order) ? 1 : 0;
    if (channels != 0 && tensor.rank() == 4 && channels != tensor.size(3)) {
      throw new ModelException(
          ModelException.Kind.METADATA,
          EXTRAS + ": expected " + tensor.size(3) + " channels, got channel_order " + order);
    }
    return "light_on_dark".equals(input.get("polarity"));
  }

  private List<String> labels(int classes) throws IOException {
    TensorMetadata about = extractor.getOutputTensorMetadata(0);
    for (int i = 0; about != null && i < about.associatedFilesLength(); i++) {
      AssociatedFile file = about.associatedFiles(i);
      boolean isLabels =
          file.type() == AssociatedFileType.TENSOR_AXIS_LABELS
              || file.type() == AssociatedFileType.TENSOR_VALUE_LABELS;
      if (!isLabels) {
        continue;
      }
      String text = associated(file.name());
      if (text == null) {
        throw new ModelException(
            ModelException.Kind.METADATA, "expected the label file " + file.name() + " in the model");
      }
      return checkedLabels(text, file.name(), classes);
    }
    return Collections.emptyList();
  }

  private static List<String> checkedLabels(String text, String name, int classes)
      throws ModelException {
    List<String> labels = new ArrayList<>();
    for (String line : text.split("\n")) {
      labels.add(line.trim());
    }
    if (labels.size() != classes) {
      throw new ModelException(
          ModelException.Kind.METADATA,
          name + ": expected " + classes + " class names, one a line, got " + labels.size());
    }
    return labels;
  }

  private String associated(String name) throws IOException {
    if (!extractor.getAssociatedFileNames().contains(name)) {
      return null;
    }
    try (InputStream in = extractor.getAssociatedFile(name)) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      byte[] chunk = new byte[4096];
      for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
        out.write(chunk, 0, n);
      }
      return new String(out.toByteArray(), StandardCharsets.UTF_8);
    }
  }
}
