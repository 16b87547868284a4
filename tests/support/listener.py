"""A server on loopback for tests that decide what it does with each connection."""
import socket
import threading


class Listener:
    """Accepts connections in a thread, counts them, and calls `handle(connection)` for each: in that thread, or, with
    `parallel`, in a thread of its own. Closes the connection afterwards. An OSError in `handle` ends only its connection."""

    def __init__(self, handle, host="127.0.0.1", port=0, parallel=False):
        self.listener = socket.create_server((host, port), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.address = f"{host}:{self.port}"
        self.handle, self.parallel, self.connections = handle, parallel, 0
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.parallel:
                threading.Thread(target=self.run, args=(connection,), daemon=True).start()
            else:
                self.run(connection)

    def run(self, connection):
        with connection:
            try:
                self.handle(connection)
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
