"""The layering of the modules: reads every #include and fails on one that runs the wrong way."""
import os
import pathlib
import re
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

# The folders of each module, lowest first. A folder includes only itself and what stands before it. "" is the
# module's own folder: its vocabulary.
FOLDERS = {
    "s3": ["base", "", "hash", "api", "transport", "admission", "stores", "credentials", "client", "endpoint"],
    "pipeline": ["", "timing", "fs", "report", "journal", "runtime", "source", "upload", "graph", "plan", "status", "reports", "run",
                 "node", "cli"],
    "config": ["", "describe"],
}
# Module -> what it may include of the others: whole modules, folders or single headers.
OTHERS = {
    "s3": [],
    "pipeline": ["s3/"],
    "config": ["s3/options.h", "s3/uri.h", "s3/stores/address.h", "s3/stores/store_profiles.h", "s3/api/properties.h",
               "s3/base/", "s3/hash/hash.h", "s3/credentials/providers/configured.h", "s3/endpoint/options.h",
               "pipeline/options.h"],
}
# Only these put the modules together.
TOGETHER = {"pipeline/cli": ["config/", "s3/endpoint/"]}
# The embedded endpoint is a server of its own: no file of the client includes it, and it includes none of theirs,
# but for the store profiles, which it emulates.
APART = {"s3/endpoint": {"s3/transport", "s3/admission", "s3/credentials", "s3/client"}}
# Folder within a folder -> the only file outside that may include it.
INNER = {"s3/transport/direct": "s3/transport/event_loop.cc", "s3/transport/curl": "s3/transport/event_loop.cc"}
# Third-party headers -> the only files that may include them.
HOMES = {
    r"curl/": {"s3/transport/direct/connection.h", "s3/transport/direct/connection_pool.h",
               "s3/transport/curl/curl_connection.h", "s3/transport/curl/curl_pool.h", "s3/transport/curl/transfer.h",
               "s3/transport/curl_error.h", "s3/transport/curl_options.h", "s3/transport/transport_choice.cc"},
    r"openssl/(?!ssl|err)": {"s3/hash/hash.cc"},
    r"openssl/(ssl|err)": {"s3/transport/curl_options.cc", "s3/transport/curl/curl_connection.cc"},
    r"yaml-cpp/": {"config/document.cc"},
    r"(oneapi/)?tbb/": {"pipeline/graph/graph.cc", "pipeline/graph/workers/workers.h", "pipeline/graph/workers/workers.cc", "pipeline/runtime/guest_threads.h", "pipeline/node/s3flow/upload_node.h"},
    r"pugixml": {"s3/api/classify_response.cc", "s3/api/responses.cc", "s3/credentials/providers/documents.cc", "s3/endpoint/operations/delete_objects.cc", "s3/endpoint/operations/multipart.cc"},
    r"boost/(?!intrusive)": {"s3/endpoint/connection.h"},
    r"boost/intrusive": {"pipeline/upload/tasks_in_flight.h"},
    r"isa-l": {"s3/hash/checksum.cc"},
    r"zstd\.h": {"pipeline/fs/zstd_file.cc"},
    r"CLI/": {"pipeline/cli/main.cc", "pipeline/cli/endpoint_arguments.cc", "pipeline/cli/first_steps.cc",
              "pipeline/cli/documents/command_line.cc"},
}
MAX_LINES = 400
MAX_UNITS = 13


def sources():
    for module in FOLDERS:
        for path in sorted((TOP / module).rglob("*")):
            if path.suffix in (".h", ".cc") and TOP / "config/examples" not in path.parents:  # other programs
                yield path.relative_to(TOP).as_posix(), path.read_text()


def place(name):
    """The module and the folder of a file: "s3/credentials/providers/sso.cc" is of s3 and credentials."""
    module, *rest = name.split("/")
    return module, rest[0] if len(rest) > 1 else ""


def picture(module):
    """The includes between a module's folders as a Mermaid graph, without what follows from others."""
    arrows = {}
    for name, text in sources():
        if place(name)[0] != module:
            continue
        for _, header in INCLUDE.findall(text):
            if header.startswith(module + "/") and place(header)[1] != place(name)[1]:
                arrows.setdefault(place(name)[1], set()).add(place(header)[1])

    def reachable(folder, without):
        found, left = set(), [f for f in arrows.get(folder, ()) if f != without]
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += arrows.get(one, ())
        return found

    lines = ["```mermaid", "graph TD"]
    for folder in reversed(FOLDERS[module]):
        for other in reversed(FOLDERS[module]):
            if other in arrows.get(folder, ()) and other not in reachable(folder, other):
                lines.append(f"  {folder or 'top'} --> {other or 'top'}")
    return "\n".join(lines + ["```"])


def includes(name, header):
    """What is wrong with this include of a file of the project; None if nothing is."""
    module, folder = place(name)
    if not re.match(r"(s3|pipeline|config|tests|bench)/", header):
        return None
    of_module, of_folder = place(header)
    if of_module == module:
        ranks = FOLDERS[module]
        if f"{module}/{of_folder}" in APART.get(f"{module}/{folder}", ()):
            return f"{module}/{folder} stands apart from it"
        if of_folder not in ranks or ranks.index(of_folder) > ranks.index(folder):
            return f"{of_folder} stands above {folder or module}"
        return None
    allowed = OTHERS[module] + TOGETHER.get(f"{module}/{folder}", [])
    if header.startswith("s3/endpoint/") and "s3/endpoint/options.h" not in allowed and "s3/endpoint/" not in allowed:
        return "only the command line runs the endpoint"
    return None if any(header.startswith(prefix) for prefix in allowed) else f"{module} may not use it"


def problems(name, text):
    module, folder = place(name)
    if folder not in FOLDERS[module]:
        yield f"{name}: the folder {module}/{folder} has no rank in this test"
        return
    for bracket, header in INCLUDE.findall(text):
        wrong = includes(name, header)
        if wrong:
            yield f"{name} includes {header}: {wrong}"
        inner, own = header.rpartition("/")[0], name.rpartition("/")[0]
        if inner in INNER and inner != own and name != INNER[inner]:
            yield f"{name} includes {header}: only {INNER[inner]} may"
        for pattern, homes in HOMES.items():
            if bracket == "<" and re.match(pattern, header) and name not in homes:
                yield f"{name} includes <{header}>: its home is {', '.join(sorted(homes))}"


class Layering(unittest.TestCase):
    def test_every_include_runs_the_right_way(self):
        found = [p for name, text in sources() for p in problems(name, text)]
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_a_wrong_include_is_noticed(self):
        for name, header in [("s3/x.cc", '"pipeline/run/run.h"'), ("s3/x.cc", "<oneapi/tbb/task.h>"),
                             ("s3/x.cc", '"s3/hash/hash.h"'), ("s3/base/x.h", '"s3/options.h"'),
                             ("s3/api/x.cc", '"s3/client/client.h"'), ("s3/transport/x.cc", '"s3/admission/retry.h"'),
                             ("pipeline/graph/x.cc", '"pipeline/run/run.h"'), ("pipeline/x.h", '"pipeline/fs/own_dir.h"'),
                             ("pipeline/run/x.cc", '"pipeline/cli/output.h"'), ("pipeline/run/x.cc", '"s3/endpoint/server.h"'),
                             ("pipeline/run/x.cc", '"config/job.h"'), ("config/x.cc", '"s3/client/client.h"'),
                             ("config/x.cc", '"s3/endpoint/server.h"'), ("config/x.cc", '"pipeline/run/run.h"'),
                             ("s3/client/x.cc", '"s3/endpoint/server.h"'), ("s3/endpoint/x.cc", '"s3/client/client.h"'),
                             ("pipeline/newroom/x.cc", "<vector>"), ("s3/api/x.cc", '"s3/newroom/x.h"'),
                             ("pipeline/run/x.cc", "<curl/curl.h>"),
                             ("s3/transport/curl/x.cc", '"s3/transport/direct/exchange.h"'),
                             ("s3/transport/x.cc", '"s3/transport/curl/transfer.h"')]:
            self.assertTrue(list(problems(name, f"#include {header}\n")), (name, header))

    def test_a_right_include_is_not(self):
        for name, header in [("s3/x.cc", '"s3/base/result.h"'), ("s3/client/x.cc", '"s3/credentials/credential_cache.h"'),
                             ("pipeline/cli/x.cc", '"config/job.h"'), ("pipeline/cli/x.cc", '"s3/endpoint/server.h"'),
                             ("pipeline/upload/x.cc", '"s3/client/client.h"'), ("s3/transport/curl_options.cc", "<openssl/ssl.h>"),
                             ("s3/transport/event_loop.cc", '"s3/transport/curl/curl_loop.h"')]:
            self.assertEqual(list(problems(name, f"#include {header}\n")), [])

    def test_files_stay_readable(self):
        long = [f"{n}: {t.count(chr(10))} lines" for n, t in sources() if t.count("\n") > MAX_LINES]
        self.assertEqual(long, [])

    def test_folders_stay_readable(self):
        units = {}
        for name, _ in sources():
            path = pathlib.PurePosixPath(name)
            units.setdefault(path.parent.as_posix(), set()).add(path.stem)
        full = [f"{folder}: {len(names)} units" for folder, names in units.items() if len(names) > MAX_UNITS]
        self.assertEqual(full, [])

    def test_each_page_names_its_units(self):
        """A unit that its folder's DESIGN.md does not name can't be found by reading."""
        missing = []
        for folder in {pathlib.PurePosixPath(name).parent for name, _ in sources()}:
            page = next(p for p in (folder, folder.parent) if (TOP / p / "DESIGN.md").exists())
            if str(folder) == str(place(str(folder) + "/x.h")[0]):
                continue  # the module's own page has a row for the whole vocabulary
            text = (TOP / page / "DESIGN.md").read_text()
            units = {pathlib.PurePosixPath(n).stem for n, _ in sources() if pathlib.PurePosixPath(n).parent == folder}
            missing += [f"{folder}/{unit}" for unit in sorted(units) if not re.search(rf"\b{re.escape(unit)}\b", text)]
        self.assertEqual(missing, [])

    def test_the_pictures_are_true(self):
        """S3FLOW_WRITE_PICTURES=1 writes them anew."""
        for module in ("s3", "pipeline"):
            path = TOP / module / "DESIGN.md"
            before, begin, rest = path.read_text().partition("<!-- picture: begin -->\n")
            _, end, after = rest.partition("<!-- picture: end -->\n")
            self.assertTrue(begin and end, path)
            text = before + begin + picture(module) + "\n" + end + after
            if os.environ.get("S3FLOW_WRITE_PICTURES"):
                path.write_text(text)
            self.assertEqual(path.read_text(), text)

    def test_one_file_writes_to_the_terminal(self):
        """What is shown goes through pipeline/report/terminal.cc, which calls none of these functions."""
        writers = [n for n, t in sources() if re.search(r"\bfmt::print\(|\b(f?printf|f?puts|fputc|putchar|perror)\(|std::(cout|cerr|clog)\b|\bstdout\b.*fwrite", t)]
        self.assertEqual(writers, [])

    def test_three_nodes_stand_in_one_file(self):
        """The other file is the node for graphs of other programs, which has its own three in front."""
        nodes = [n for n, t in sources() if re.search(r"\b(multifunction|function|input)_node<", t)]
        self.assertEqual(nodes, ["pipeline/graph/graph.cc", "pipeline/node/s3flow/upload_node.h"])

    def test_public_headers_include_only_public_headers(self):
        """They are installed without the others."""
        for name, text in sources():
            if not name.startswith("pipeline/node/s3flow/"):
                continue
            for bracket, header in INCLUDE.findall(text):
                public = header.startswith("s3flow/") if bracket == '"' else re.match(r"oneapi/tbb/|tl/|[a-z_]+$", header)
                self.assertTrue(public, f"{name} includes {header}")


if __name__ == "__main__":
    unittest.main()
