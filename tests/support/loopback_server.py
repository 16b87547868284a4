"""An asyncio server on loopback in a thread of its own; the proxies of the tests are such servers."""
import asyncio
import threading


class LoopbackServer:
    """A context manager. A subclass has `async def carry(self, reader, writer)`, which serves one connection."""

    limit = 1 << 16  # of the bytes that a connection's reader holds

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda *_: None)  # a connection may go away while the server writes to it
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        serving = asyncio.start_server(self.carry, "127.0.0.1", 0, limit=self.limit)
        self.server = asyncio.run_coroutine_threadsafe(serving, self.loop).result()
        self.endpoint = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *exception):
        async def end():
            self.server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        asyncio.run_coroutine_threadsafe(end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
