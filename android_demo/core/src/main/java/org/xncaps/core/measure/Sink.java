package org.xncaps.core.measure;

import java.io.IOException;
import java.util.Map;
import org.xncaps.core.measure.Frame.Kind;

/** Where a job's messages go: to the host, or into what it fetches later. */
public interface Sink {
  void send(Kind kind, String name, byte[] content) throws IOException;

  void send(Kind kind, Map<String, Object> content) throws IOException;
}
