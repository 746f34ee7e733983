package org.xncaps.demo.models;

import java.util.Map;
import org.xncaps.core.Json;

/** What the zoo's card says of a model: accuracy, on what, and whose licence. */
public final class ModelCard {
  static final ModelCard EMPTY = new ModelCard(null, null, null, null, null);

  /** What it is for, a comma, what it is; null where there is no card. */
  public final String title;
  /** A share, 0 to 1; null where it is not told. */
  public final Double accuracy;
  /** The data set that it was measured on. */
  public final String data;
  public final String licence;
  /** Whose pictures, or whatever else has to be said. */
  public final String notice;

  private ModelCard(
      String title, Double accuracy, String data, String licence, String notice) {
    this.title = title;
    this.accuracy = accuracy;
    this.data = data;
    this.licence = licence;
    this.notice = notice;
  }

  /** @throws IllegalArgumentException where the text is no JSON object */
  static ModelCard parse(String json) {
    Map<String, Object> fields = Json.object(Json.parse(json), "card");
    Object accuracy = fields.get("accuracy");
    return new ModelCard(
        text(fields, "title"),
        accuracy instanceof Number ? ((Number) accuracy).doubleValue() : null,
        text(fields, "data"), text(fields, "licence"), text(fields, "notice"));
  }

  private static String text(Map<String, Object> fields, String name) {
    Object value = fields.get(name);
    return value instanceof String ? (String) value : null;
  }
}
