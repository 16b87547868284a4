"""The doors between the rooms: reads every #include and fails on one that the design forbids."""
import pathlib
import re
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

# Room -> prefixes of the project's own files that it may include. First match wins.
ROOMS = [
    ("s3/endpoint/", ["s3/"]),
    ("s3/", ["s3/"]),
    ("config/", ["config/", "s3/options.h", "s3/uri.h", "s3/address.h", "s3/store_profiles.h", "s3/properties.h", "s3/secret.h", "s3/hash.h", "s3/printable.h", "s3/providers/configured.h", "s3/endpoint/options.h", "pipeline/options.h"]),
    ("pipeline/cli/", ["pipeline/", "config/", "s3/"]),
    ("pipeline/", ["pipeline/", "s3/"]),
]
# What a room never includes although a prefix above would let it.
NEVER = {"s3/": ["s3/endpoint/"], "pipeline/": ["s3/endpoint/", "pipeline/cli/"]}
# Third-party headers -> the only files that may include them.
HOMES = {
    r"curl/": {"s3/connection.h", "s3/connection_pool.h"},
    r"openssl/(?!ssl)": {"s3/hash.cc"},
    r"openssl/ssl": {"s3/connection.cc"},
    r"yaml-cpp/": {"config/document.cc"},
    r"(oneapi/)?tbb/": {"pipeline/graph.cc"},
    r"pugixml": {"s3/judge.cc", "s3/answers.cc", "s3/providers/documents.cc", "s3/endpoint/multipart.cc"},
    r"boost/": {"s3/endpoint/connection.h"},
    r"isa-l": {"s3/checksum.cc"},
    r"CLI/": {"pipeline/cli/main.cc"},
}
MAX_LINES = 400


def sources():
    for room in ("s3", "pipeline", "config"):
        for path in sorted((TOP / room).rglob("*")):
            if path.suffix in (".h", ".cc"):
                yield path.relative_to(TOP).as_posix(), path.read_text()


def problems(name, text):
    room, allowed = next((r, a) for r, a in ROOMS if name.startswith(r))
    for bracket, header in INCLUDE.findall(text):
        own = re.match(r"(s3|pipeline|config|tests|bench)/", header)
        if own and not any(header.startswith(prefix) for prefix in allowed):
            yield f"{name} includes {header}: {room} may not"
        if own and any(header.startswith(prefix) for prefix in NEVER.get(room, [])):
            yield f"{name} includes {header}: {room} never may"
        for pattern, homes in HOMES.items():
            if not own and re.match(pattern, header) and name not in homes:
                yield f"{name} includes <{header}>: its home is {', '.join(sorted(homes))}"


class Doors(unittest.TestCase):
    def test_every_include_goes_through_a_door(self):
        found = [p for name, text in sources() for p in problems(name, text)]
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_a_wrong_include_is_noticed(self):
        for name, header in [("s3/x.cc", '"pipeline/run.h"'), ("s3/x.cc", "<oneapi/tbb/task.h>"),
                             ("pipeline/x.cc", '"config/job.h"'), ("config/x.cc", '"s3/client.h"'),
                             ("s3/x.cc", '"s3/endpoint/server.h"'), ("pipeline/x.cc", "<curl/curl.h>")]:
            self.assertTrue(list(problems(name, f"#include {header}\n")), (name, header))

    def test_files_stay_readable(self):
        long = [f"{n}: {t.count(chr(10))} lines" for n, t in sources() if t.count("\n") > MAX_LINES]
        self.assertEqual(long, [])

    def test_one_file_writes_to_the_terminal(self):
        """What is shown went through it; the progress bar draws itself."""
        writers = [n for n, t in sources() if re.search(r"\bfmt::print\(|\b(f?printf|f?puts|fputc|putchar|perror)\(|std::(cout|cerr|clog)\b|\bstdout\b.*fwrite", t)]
        self.assertEqual(writers, ["pipeline/console.cc"])

    def test_three_nodes_stand_in_one_file(self):
        nodes = [n for n, t in sources() if re.search(r"\b(multifunction|function|input)_node<", t)]
        self.assertEqual(nodes, ["pipeline/graph.cc"])


if __name__ == "__main__":
    unittest.main()
