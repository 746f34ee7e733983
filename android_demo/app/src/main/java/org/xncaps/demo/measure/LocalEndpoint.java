package org.xncaps.demo.measure;

import android.Manifest;
import android.content.Context;
import android.content.pm.PackageManager;
import android.net.Credentials;
import android.net.LocalServerSocket;
import android.net.LocalSocket;
import android.net.LocalSocketAddress;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.xncaps.core.measure.Endpoint;

/**
 * An abstract local socket, as Chrome's DevTools and Stetho use: adbd may connect to those of apps
 * since Android 8.0, and no permission is needed to open one.
 */
final class LocalEndpoint implements Endpoint {
  private final Context context;
  private final String name;
  private final LocalServerSocket server;
  private volatile boolean closed;

  LocalEndpoint(Context context, String name) throws IOException {
    this.context = context;
    this.name = name;
    this.server = new LocalServerSocket(name);
  }

  @Override
  public Peer accept() throws IOException {
    LocalSocket socket = server.accept();
    if (closed) {
      socket.close();
      throw new IOException("closed");
    }
    return new LocalPeer(context, socket);
  }

  @Override
  public void close() throws IOException {
    closed = true;
    // Closing alone does not wake a thread that accepts; a connection of our own does.
    try (LocalSocket wake = new LocalSocket()) {
      wake.connect(new LocalSocketAddress(name));
    }
    server.close();
  }

  private static final class LocalPeer implements Peer {
    private final Context context;
    private final LocalSocket socket;

    LocalPeer(Context context, LocalSocket socket) {
      this.context = context;
      this.socket = socket;
    }

    @Override
    public InputStream input() throws IOException {
      return socket.getInputStream();
    }

    @Override
    public OutputStream output() throws IOException {
      return socket.getOutputStream();
    }

    /** Any app may connect to an abstract socket; adb's shell holds DUMP, and apps do not. */
    @Override
    public boolean trusted() throws IOException {
      Credentials peer = socket.getPeerCredentials();
      return context.checkPermission(Manifest.permission.DUMP, peer.getPid(), peer.getUid())
          == PackageManager.PERMISSION_GRANTED;
    }

    @Override
    public void close() throws IOException {
      try {
        socket.shutdownInput(); // wakes a thread that reads, which closing alone does not
        socket.shutdownOutput();
      } finally {
        socket.close();
      }
    }
  }
}
