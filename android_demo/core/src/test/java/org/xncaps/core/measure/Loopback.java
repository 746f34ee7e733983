package org.xncaps.core.measure;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.xncaps.core.measure.Frame.Kind;

/**
 * The app's side of the protocol on loopback, with models that give back their inputs. Its main is
 * what a test of the host's side speaks to (tests/benchmark/test_protocol.py).
 */
public final class Loopback implements Endpoint {
  private final ServerSocket server;
  public volatile boolean trusted = true;

  public Loopback() throws IOException {
    server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
  }

  public int port() {
    return server.getLocalPort();
  }

  @Override
  public Peer accept() throws IOException {
    Socket socket = server.accept();
    return new Peer() {
      @Override
      public InputStream input() throws IOException {
        return socket.getInputStream();
      }

      @Override
      public OutputStream output() throws IOException {
        return socket.getOutputStream();
      }

      @Override
      public boolean trusted() {
        return trusted;
      }

      @Override
      public void close() throws IOException {
        socket.close();
      }
    };
  }

  @Override
  public void close() throws IOException {
    server.close();
  }

  /** Carries out turns without a runtime: run i of a turn took 1,000 + i nanoseconds. */
  static final class Echo implements Work {
    volatile boolean cancelled;
    /** Where set, a job waits here after its first turn. */
    volatile CountDownLatch hold;

    @Override
    public void cancel() {
      cancelled = true;
      if (hold != null) {
        hold.countDown();
      }
    }

    @Override
    public void run(Job job, File folder, Sink sink) throws IOException {
      Map<String, Object> status = new LinkedHashMap<>();
      status.put("state", "measuring");
      status.put("done", 0);
      status.put("total", job.turns.length);
      sink.send(Kind.STATUS, status);
      List<Object> rows = new ArrayList<>();
      List<List<Object>> turns = new ArrayList<>();
      for (Job.Entry entry : job.models) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("name", entry.name);
        row.put("error", null);
        row.put("bytes", new File(folder, entry.file).length());
        rows.add(row);
        turns.add(new ArrayList<>());
        if (job.outputs) {
          byte[] inputs = Files.readAllBytes(new File(folder, entry.inputs).toPath());
          sink.send(Kind.OUTPUT, entry.name, inputs);
        }
      }
      for (int at = 0; at < job.turns.length && !cancelled; at++) {
        if (job.turns[at] >= 0) {
          long[] nanos = new long[job.runs[at]];
          for (int i = 0; i < nanos.length; i++) {
            nanos[i] = 1000 + i;
          }
          turns.get(job.turns[at]).add(Arrays.asList(1000L * at, nanos, nanos));
        }
        await();
      }
      Map<String, Object> partial = new LinkedHashMap<>();
      partial.put("turns", turns);
      sink.send(Kind.PARTIAL, partial);
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("state", cancelled ? "cancelled" : "done");
      result.put("error", null);
      result.put("models", rows);
      sink.send(Kind.RESULT, result);
    }

    private void await() throws IOException {
      try {
        if (hold != null) {
          hold.await();
        }
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
  }

  /** Prints the port, serves one host whose files go to args[0], prints how it ended. */
  public static void main(String[] args) throws Exception {
    Loopback endpoint = new Loopback();
    CountDownLatch over = new CountDownLatch(1);
    Map<String, Object> app = new LinkedHashMap<>();
    app.put("id", "loopback");
    long silence = args.length > 1 ? Long.parseLong(args[1]) : MeasureServer.SILENCE_MILLIS;
    new MeasureServer(
            endpoint, new File(args[0]), new Echo(), app, silence,
            why -> {
              System.out.println("ended: " + why);
              over.countDown();
            })
        .start();
    System.out.println(endpoint.port());
    System.out.flush();
    over.await();
    System.exit(0);
  }
}
