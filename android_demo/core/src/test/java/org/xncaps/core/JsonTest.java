package org.xncaps.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.Test;

public final class JsonTest {
  @Test
  public void writesAndReadsBack() {
    Map<String, Object> value = new LinkedHashMap<>();
    value.put("text", "a\"b\\c\n\u0001\u2028 é 数 😀");
    value.put("list", Arrays.<Object>asList(1L, -2.5, true, null));
    value.put("empty", new LinkedHashMap<String, Object>());
    assertEquals(value, Json.parse(Json.write(value)));
    assertEquals("[null,null]", Json.write(Arrays.asList(Double.NaN, Float.POSITIVE_INFINITY)));
    assertEquals("[1,2]", Json.write(new long[] {1, 2}));
    assertEquals("[0.5]", Json.write(new float[] {0.5f}));
    assertEquals("{\"a\":[]}", Json.write(Json.parse(" { \"a\" : [ ] } ")));
  }

  @Test
  public void refusesWhatIsNotJson() {
    String[] bad = {
      "", "{", "[1,]", "{\"a\"}", "{a:1}", "01", "1.", "+1", "NaN", "\"\\x\"", "\"\\u12g4\"", "\"a",
      "[1] 2", "{\"a\":1,\"a\":2}", "tru", "'a'", "\"\t\"", "--1", "[1 2]"
    };
    for (String text : bad) {
      IllegalArgumentException error =
          assertThrows(text, IllegalArgumentException.class, () -> Json.parse(text));
      assertTrue(error.getMessage(), error.getMessage().startsWith("JSON: expected"));
    }
    StringBuilder deep = new StringBuilder();
    for (int i = 0; i < 100_000; i++) {
      deep.append('[');
    }
    assertThrows(IllegalArgumentException.class, () -> Json.parse(deep.toString()));
  }

  @Test
  public void mutatedTextsEndInAValueOrAnError() {
    String text = Json.write(Arrays.<Object>asList("a\u00e9", 1.5e-3, Arrays.asList(true, null)));
    Random random = new Random(7);
    for (int i = 0; i < 20_000; i++) {
      StringBuilder broken = new StringBuilder(text);
      for (int k = 0; k <= random.nextInt(3); k++) {
        broken.setCharAt(random.nextInt(broken.length()), (char) random.nextInt(128));
      }
      try {
        Json.write(Json.parse(broken.toString()));
      } catch (IllegalArgumentException expected) {
        assertTrue(expected.getMessage().startsWith("JSON: "));
      }
    }
  }
}
