package org.xncaps.demo.models;

import java.util.Map;
import org.xncaps.core.Json;

/** What the zoo's card says of a model: accuracy, on what, and whose licence. */
public final class ModelCard {
  static final ModelCard EMPTY = new ModelCard(null, null, 0, null, null);

  /** What it is for, a comma, what it is; null where there is no card. */
  public final String title;
  /** A share, 0 to 1; null where it is not told. */
  public final Double accuracy;
  /** How many pictures it was measured on. */
  public final long images;
  /** Whose pictures these are; null where it is not told. */
  public final String source;
  /** Of the pictures; null where it is not told. */
  public final String licence;

  private ModelCard(
      String title, Double accuracy, long images, String source, String licence) {
    this.title = title;
    this.accuracy = accuracy;
    this.images = images;
    this.source = source;
    this.licence = licence;
  }

  /** @throws IllegalArgumentException where the text is no JSON object */
  static ModelCard parse(String json) {
    Map<String, Object> fields = Json.object(Json.parse(json), "card");
    Object accuracy = fields.get("accuracy");
    Object images = fields.get("images");
    return new ModelCard(
        text(fields, "title"),
        accuracy instanceof Number ? ((Number) accuracy).doubleValue() : null,
        images instanceof Number ? ((Number) images).longValue() : 0,
        text(fields, "source"), text(fields, "licence"));
  }

  private static String text(Map<String, Object> fields, String name) {
    Object value = fields.get(name);
    return value instanceof String ? (String) value : null;
  }
}
