package org.xncaps.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;

@RunWith(RobolectricTestRunner.class)
@Config(sdk = 34)
public final class ClassifierTest {
  @Test
  public void runsTheModelOfTheAppWithTheDelegate() throws Exception {
    ModelStore store = new ModelStore(RuntimeEnvironment.getApplication());
    try (Classifier classifier = Classifier.open(store.load(""), 2, true)) {
      assertEquals(null, classifier.delegateFailure);
      assertTrue(classifier.runtime, classifier.runtime.contains("xncaps"));
      ByteBuffer input =
          ByteBuffer.allocateDirect(classifier.model.input.tensor.byteSize())
              .order(ByteOrder.nativeOrder());
      float[] scores = classifier.run(input);
      assertEquals(10, scores.length);
      System.out.println(classifier.runtime + java.util.Arrays.toString(scores));
    }
  }
}
