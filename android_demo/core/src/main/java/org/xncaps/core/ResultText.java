package org.xncaps.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A result to share: a few lines for people, JSON for programs. */
public final class ResultText {
  /** A model's answer with what produced it. */
  public static final class Answer {
    final ClassifierModel model;
    final String runtime;
    final List<TopK.Entry> top;
    final double preprocessMillis;
    final double inferenceMillis;

    public Answer(
        ClassifierModel model, String runtime, List<TopK.Entry> top,
        double preprocessMillis, double inferenceMillis) {
      this.model = model;
      this.runtime = runtime;
      this.top = top;
      this.preprocessMillis = preprocessMillis;
      this.inferenceMillis = inferenceMillis;
    }
  }

  private ResultText() {}

  /** Lines for people, with the JSON below them. */
  public static String share(List<Answer> answers, String device) {
    StringBuilder out = new StringBuilder();
    for (Answer answer : answers) {
      out.append(answer.model.name).append(" (").append(answer.runtime).append(")\n");
      for (TopK.Entry entry : answer.top) {
        out.append(String.format(Locale.ROOT, "  %s  %.3f%n", entry.label, entry.share));
      }
      out.append(
          String.format(
              Locale.ROOT, "  preprocessing %.2f ms, inference %.2f ms%n",
              answer.preprocessMillis, answer.inferenceMillis));
    }
    return out.append('\n').append(json(answers, device)).append('\n').toString();
  }

  static String json(List<Answer> answers, String device) {
    List<Object> results = new ArrayList<>();
    for (Answer answer : answers) {
      List<Object> top = new ArrayList<>();
      for (TopK.Entry entry : answer.top) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("class", entry.index);
        row.put("label", entry.label);
        row.put("score", entry.share);
        top.add(row);
      }
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("model", answer.model.name);
      result.put("file", answer.model.file);
      result.put("runtime", answer.runtime);
      result.put("top", top);
      result.put("preprocess_ms", answer.preprocessMillis);
      result.put("inference_ms", answer.inferenceMillis);
      results.add(result);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("device", device);
    all.put("results", results);
    return Json.write(all);
  }
}
