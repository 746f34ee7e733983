package org.xncaps.core.measure;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.xncaps.core.Json;
import org.xncaps.core.measure.Frame.Kind;

/** A host that behaves, for tests of what carries out jobs. */
public final class TestHost implements Closeable {
  /** All that came back of a job. */
  public static final class Answer {
    public final List<String> states = new ArrayList<>();
    public final List<Map<String, Object>> statuses = new ArrayList<>();
    public final Map<String, byte[]> outputs = new HashMap<>();
    /** One list a model: [began, nanoseconds, the interpreter's own]. */
    public final List<List<Object>> turns = new ArrayList<>();
    public Map<String, Object> result;
    /** Why the app refused; null where it did not. */
    public String refusal;

    public int runs(int model) {
      int runs = 0;
      for (Object turn : turns.get(model)) {
        runs += ((List<?>) ((List<?>) turn).get(1)).size();
      }
      return runs;
    }
  }

  private final Socket socket;
  private final Wire wire;

  public TestHost(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(60_000);
    wire = new Wire(socket.getInputStream(), socket.getOutputStream());
    wire.content(wire.next());
    wire.send(Kind.HELLO, Collections.singletonMap("protocol", MeasureServer.PROTOCOL));
  }

  public void put(String name, byte[] content) throws IOException {
    wire.send(Kind.PUT, name, content);
    wire.content(wire.next());
  }

  public void send(String json) throws IOException {
    wire.send(Kind.JOB, "", json.getBytes(StandardCharsets.UTF_8));
  }

  public Answer job(String json) throws IOException {
    send(json);
    Answer answer = new Answer();
    while (answer.result == null && answer.refusal == null) {
      take(wire, answer);
    }
    return answer;
  }

  /** Takes the next frame. */
  public void take(Answer answer) throws IOException {
    take(wire, answer);
  }

  /** The frames of a stream that was kept. */
  public static Answer read(InputStream in) throws IOException {
    Wire kept = new Wire(in, new OutputStream() {
      @Override
      public void write(int value) throws IOException {
        throw new IOException("read only");
      }
    });
    Answer answer = new Answer();
    while (answer.result == null && answer.refusal == null) {
      take(kept, answer);
    }
    return answer;
  }

  private static void take(Wire wire, Answer answer) throws IOException {
    Frame frame = wire.next();
    if (frame == null) {
      throw new IOException("the app closed the connection");
    }
    byte[] content = wire.content(frame);
    String text = new String(content, StandardCharsets.UTF_8);
    switch (frame.kind) {
      case STATUS:
        Map<String, Object> status = Json.object(Json.parse(text), "status");
        answer.statuses.add(status);
        answer.states.add(String.valueOf(status.get("state")));
        break;
      case PARTIAL:
        addTurns(answer, (List<?>) Json.object(Json.parse(text), "partial").get("turns"));
        break;
      case OUTPUT:
        answer.outputs.put(frame.name, content);
        break;
      case RESULT:
        answer.result = Json.object(Json.parse(text), "result");
        break;
      default:
        answer.refusal = text;
    }
  }

  private static void addTurns(Answer answer, List<?> models) {
    for (int i = 0; i < models.size(); i++) {
      if (answer.turns.size() <= i) {
        answer.turns.add(new ArrayList<>());
      }
      answer.turns.get(i).addAll((List<?>) models.get(i));
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
