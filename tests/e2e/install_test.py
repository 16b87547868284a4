"""What is installed: the program, its manual, the completion of the shells, and the portable bundle."""
import os
import pathlib
import pty
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import unittest

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import KEY_ID, S3FLOW, SANITIZE, SECRET, TOP, Serve, TestCase, clean_environment, make_certificates, s3flow
from support.listener import Listener
from support.store_client import s3_client

BUILD = pathlib.Path(S3FLOW).resolve().parent
OPTION = re.compile(r"^  (?:(-\w),)?(--[\w-]+)", re.M)
JOB = "source: [{{path: /data}}]\ndestination: {{bucket: bucket, prefix: p/, endpoint: '{endpoint}'}}\n"
CONTENT = b"content of the file"


class TlsProxy(Listener):
    """Ends TLS in front of a store that speaks http."""

    def __init__(self, certificates, endpoint):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
        self.store = ("127.0.0.1", int(endpoint.rpartition(":")[2]))
        super().__init__(self.relay, parallel=True)
        self.endpoint = f"https://{self.address}"

    def relay(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as client, socket.create_connection(self.store) as server:
            while True:
                ready = [client] if client.pending() else select.select([client, server], [], [])[0]
                for source in ready:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)


def commands():
    """The commands that the help lists."""
    listed = s3flow("--help").stdout.partition("Subcommands:")[2]
    return re.findall(r"^  (\w+)", listed, re.M)


def options_of(command):
    return {name for pair in OPTION.findall(s3flow(command, "--help").stdout) for name in pair if name}


def plain(page):
    """The text of a manual page without the commands of man(7)."""
    text = re.sub(r"\\f[BIR]|\\&", "", page)
    for roff, character in [("\\-", "-"), ("\\e", "\\"), ("\\(aq", "'"), ("\\(ga", "`"), ("\\(ti", "~"), ("\\(ha", "^")]:
        text = text.replace(roff, character)
    return text


class Installed(TestCase):
    """The files of `cmake --install`. They are installed once, since no test changes them."""

    @classmethod
    def setUpClass(cls):
        cls.staged = pathlib.Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
        cls.addClassCleanup(shutil.rmtree, cls.staged)
        subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr", "--component", "s3flow"], check=True,
                       capture_output=True, env=dict(os.environ, DESTDIR=str(cls.staged)))
        cls.usr = cls.staged / "usr"
        cls.pages = {page.name: page.read_text() for page in (cls.usr / "share/man").rglob("s3flow*")}

    def shell(self, *command, **options):
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=self.dir,
                               env=clean_environment(HOME=str(self.dir)),  # shells write files there
                               stdin=subprocess.DEVNULL, **options)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return ended.stdout


class Files(Installed):
    def test_the_installed_program_runs(self):
        ended = subprocess.run([self.usr / "bin/s3flow", "--version"], capture_output=True, text=True, timeout=60)
        self.assertRegex(ended.stdout, r"^s3flow \d+\.\d+\.\d+$")

    def test_each_file_has_its_place(self):
        found = {path.relative_to(self.usr).as_posix() for path in self.usr.rglob("*") if path.is_file()}
        examples = {f"share/doc/s3flow/examples/{path.relative_to(TOP / 'config/examples').as_posix()}"
                    for path in (TOP / "config/examples").rglob("*") if path.is_file()}
        documents = {f"share/doc/s3flow/{name}" for name in
                     ("CHANGELOG.md", "LICENSE", "AWS.md", "REFERENCE.md", "TROUBLESHOOTING.md")}
        manual = {f"share/man/man1/s3flow-{name}.1" for name in commands()} | {"share/man/man1/s3flow.1",
                                                                              "share/man/man5/s3flow.yaml.5"}
        completion = {"share/bash-completion/completions/s3flow", "share/zsh/site-functions/_s3flow",
                      "share/fish/vendor_completions.d/s3flow.fish"}
        self.assertEqual(found, {"bin/s3flow"} | examples | documents | manual | completion)

    def test_links_between_the_installed_pages_lead_to_files(self):
        folder = self.usr / "share/doc/s3flow"
        for page in folder.glob("*.md"):
            for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
                self.assertTrue((folder / target).exists(), f"{page.name}: {target}")


class Manual(Installed):
    def test_the_programs_page_names_all_commands_and_exit_statuses(self):
        page = plain(self.pages["s3flow.1"])
        for name in commands():
            self.assertIn(f"s3flow-{name}(1)", page)
        table = re.findall(r"^\| ([\d, ]+) \|", (TOP / "README.md").read_text(), re.M)
        statuses = {number for cell in table for number in cell.split(", ")}
        self.assertIn("75", statuses, "README's table was found")
        self.assertEqual({line for line in page.splitlines() if re.fullmatch(r"\d+", line)}, statuses)

    def test_each_page_names_all_options_of_its_command(self):
        for name in commands():
            page = plain(self.pages[f"s3flow-{name}.1"])
            terms = set(re.findall(r"(?m)^(?:(-\w), )?(--[\w-]+)", page))
            self.assertEqual({option for pair in terms for option in pair if option}, options_of(name), name)

    def test_the_page_of_the_job_file_names_all_keys(self):
        keys = re.findall(r"^\| `(\w+)` \|", (TOP / "config/REFERENCE.md").read_text(), re.M)
        self.assertGreater(len(keys), 60)
        found = re.findall(r"(?m)^\.TP\n(\w+) \(", plain(self.pages["s3flow.yaml.5"]))
        self.assertEqual(found, keys)

    def test_the_example_of_the_job_file_loads(self):
        page = plain(self.pages["s3flow.yaml.5"])
        text = re.search(r"\.SH EXAMPLE\n.*?\.RS 4\n(.*?)\.RE", page, re.S).group(1)
        self.write("data/a", "a")
        checked = s3flow("check", self.write("job.yaml", text))
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_the_examples_use_commands_and_options_that_exist(self):
        known, count = {name: options_of(name) for name in commands()}, 0
        for name, page in self.pages.items():
            for block in re.findall(r"\.nf\n\.RS 4\n(.*?)\.RE", plain(page), re.S):
                for command, rest in re.findall(r"(?m)(?:^|\()s3flow (\w+)([^|\n]*)", block):
                    self.assertIn(command, known, name)
                    for option in re.findall(r"(?:^| )(--[\w-]+)", rest):
                        self.assertIn(option, known[command], name)
                    count += 1
        self.assertGreater(count, 10)

    def test_groff_and_mandoc_have_no_complaint(self):
        tools = [tool for tool in (["mandoc", "-Tlint", "-Wwarning"], ["man", "--warnings", "-l"]) if shutil.which(tool[0])]
        if not tools:
            self.skipTest("needs mandoc or man-db")
        for path in sorted((self.usr / "share/man").rglob("s3flow*")):
            for tool in tools:
                ended = subprocess.run([*tool, path], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8",
                                                                                         "MANPAGER": "cat"})
                complaints = ended.stderr + (ended.stdout if tool[0] == "mandoc" else "")
                self.assertEqual((ended.returncode, complaints), (0, ""), path.name)

    def test_a_page_that_is_broken_is_noticed(self):
        if not shutil.which("mandoc"):
            self.skipTest("needs mandoc")
        ended = subprocess.run(["mandoc", "-Tlint", "-Wwarning", self.write("x.1", self.pages["s3flow.1"] + ".NONSENSE\n")],
                               capture_output=True, text=True)
        self.assertIn("NONSENSE", ended.stdout + ended.stderr)


# What the user has typed up to the cursor -> some of the words that must be offered, and some that must not.
CASES = [
    ("s3flow ", {"run", "check", "status"}, {"manual"}),
    ("s3flow r", {"run", "rehearse", "report"}, {"check"}),
    ("s3flow run --dry", {"--dry-run"}, {"--probe"}),
    ("s3flow check --pro", {"--probe"}, {"--progress"}),
    ("s3flow run --progress ", {"auto", "bar", "lines", "json", "none"}, set()),
    ("s3flow run job.yaml --progress b", {"bar"}, {"auto"}),
    ("s3flow run --set upload.part", {"upload.part_size="}, {"upload.concurrency="}),
    ("s3flow run --set integrity.payload=s", {"sha256", "streaming"}, {"unsigned"}),
    ("s3flow run --set upload.page", set(), {"upload.part_size="}),
    ("s3flow run j", {"job.yaml"}, {"run"}),
    ("s3flow run --log-file log", {"log.txt"}, {"runs"}),
    ("s3flow run --run-dir r", {"runs"}, {"readme.txt"}),
    ("s3flow completion ", {"bash", "zsh", "fish"}, set()),
    ("s3flow help ", {"credentials", "exit-status", "upload", "source", "run", "help"}, {"job.yaml"}),
    ("s3flow help exi", {"exit-status"}, {"environment"}),
]


class Completion(Installed):
    def setUp(self):
        super().setUp()
        for name in ("job.yaml", "log.txt", "readme.txt", "runs/x"):
            self.write(name, "x")

    def check(self, typed, offered, present, absent):
        words = {word.strip().rstrip("/") for word in offered}
        # fish offers "key=value" as one word, and zsh inserts "=" after a key.
        words |= {word.rpartition("=")[2] for word in words} | {word + "=" for word in words}
        self.assertLessEqual(present, words, typed)
        self.assertFalse(absent & words, typed)

    def test_bash_completes(self):
        # Splits the line as readline does: at spaces and at "=".
        script = """source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_s3flow; printf '%s\\n' "${COMPREPLY[@]}" """
        path = self.usr / "share/bash-completion/completions/s3flow"
        for typed, present, absent in CASES:
            words = re.findall(r"=|[^ =]+", typed) + ([""] if typed.endswith(" ") else [])
            offered = self.shell("bash", "-c", script, "bash", str(path), *words).splitlines()
            self.check(typed, offered, present, absent)

    def test_bash_offers_a_name_that_looks_like_a_pattern_as_it_is(self):
        for name in ("[jl]*", "[dirs]*/x"):
            self.write(name, "x")
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _s3flow; printf "%s\\n" "${COMPREPLY[@]}"'
        path = self.usr / "share/bash-completion/completions/s3flow"
        for words, offered in ((["run", "["], {"[jl]*", "[dirs]*"}), (["clean", "["], {"[dirs]*"}), (["run", "--log-file", "[j"], {"[jl]*"})):
            self.assertEqual(set(self.shell("bash", "-c", script, "bash", str(path), "s3flow", *words).splitlines()), offered, words)

    def test_bash_completes_all_options_and_keys(self):
        text = (self.usr / "share/bash-completion/completions/s3flow").read_text()
        for name in commands():
            listed = re.search(rf'^    {name}\) choices="(.*)" ;;$', text, re.M).group(1).split()
            self.assertEqual(set(listed), options_of(name), name)
        reference = (TOP / "config/REFERENCE.md").read_text().partition("# Faults files")[0]
        keys = {f"{section}.{key}=" for section, table in re.findall(r"## (\w+)\n(.*?)(?=\n## |\Z)", reference, re.S)
                for key in re.findall(r"^\| `(\w+)` \|", table, re.M)}
        self.assertEqual(set(re.search(r's3flow_job_keys="(.*)"', text).group(1).split()), keys)

    def test_bash_completes_at_a_prompt(self):
        """Readline itself splits the line, and inserts the only match."""
        path = self.usr / "share/bash-completion/completions/s3flow"
        master, slave = pty.openpty()
        bash = subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=self.dir,
                                env=clean_environment(TERM="dumb", PS1="", INPUTRC="/dev/null", HOME=str(self.dir)), start_new_session=True)
        os.close(slave)
        setup = f"source {path}; s3flow() {{ printf '<%s>' \"$@\"; }}\n"
        os.write(master, (setup + "s3flow run --set integrity.payl\tsh\t --dry\t\nexit\n").encode())
        out = b""
        try:
            while data := os.read(master, 1 << 16):
                out += data
        except OSError:
            pass  # the terminal is gone: bash has ended
        os.close(master)
        self.assertEqual(bash.wait(timeout=60), 0)
        self.assertIn("<run><--set><integrity.payload=sha256><--dry-run>", out.decode())

    @unittest.skipUnless(shutil.which("fish"), "needs fish")
    def test_fish_completes(self):
        path = self.usr / "share/fish/vendor_completions.d/s3flow.fish"
        for typed, present, absent in CASES:
            out = self.shell("fish", "--no-config", "-c", f"source {path}; complete -C '{typed}'")
            self.check(typed, [line.split("\t")[0] for line in out.splitlines()], present, absent)

    @unittest.skipUnless(shutil.which("zsh"), "needs zsh")
    def test_zsh_completes(self):
        """Types the line into a zsh in a pseudo-terminal. compadd tells what it was given and what matches."""
        script = (TOP / "tests/support/capture.zsh")
        for typed, present, absent in CASES:
            out = self.shell("zsh", "-f", str(script), str(self.usr / "share/zsh/site-functions"), str(self.dir), typed)
            self.check(typed, out.splitlines(), present, absent)


@unittest.skipIf(SANITIZE, "the bundle has no sanitizer's libraries")
@unittest.skipUnless(os.geteuid() == 0, "chroot needs root")
class Bundle(TestCase):
    """A root directory that holds the bundle, /proc, /dev/null and a CA file, and nothing else."""

    def setUp(self):
        super().setUp()
        self.root = self.dir / "root"
        made = subprocess.run([TOP / "bench/package", "--build", BUILD, "--tree", self.root / "s3flow"], capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        for name in ("data", "tmp", "proc", "dev"):
            (self.root / name).mkdir()
        (self.root / "data/file").write_bytes(CONTENT)
        (self.root / "dev/null").touch()

    def inside(self, *arguments, program="/s3flow/bin/s3flow", **environment):
        """Runs the bundle's program in the root directory; /proc is mounted in a namespace that ends with it."""
        mount = 'mount -t proc proc "$0/proc" && mount --bind /dev/null "$0/dev/null" && exec chroot "$0" "$@"'
        keys = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
        return subprocess.run(["unshare", "-m", "sh", "-c", mount, self.root, program, *arguments], capture_output=True, text=True,
                              timeout=120, env=clean_environment(**keys, **environment), stdin=subprocess.DEVNULL)

    def run_job(self, endpoint):
        (self.root / "job.yaml").write_text(JOB.format(endpoint=endpoint))
        shutil.rmtree(self.root / "tmp/run", ignore_errors=True)
        return self.inside("run", "/job.yaml", "--run-dir", "/tmp/run")

    def upload_and_compare(self, serve, endpoint):
        ended = self.run_job(endpoint)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        client = s3_client(serve.endpoint)
        self.addCleanup(client.close)
        with client.get_object(Bucket="bucket", Key="p/file")["Body"] as body:
            self.assertEqual(body.read(), CONTENT)

    def test_an_upload_over_http(self):
        with Serve(self.dir / "store") as serve:
            self.upload_and_compare(serve, serve.endpoint)

    def test_an_upload_over_tls_finds_the_authorities_of_each_distribution(self):
        certificates = self.dir / "certificates"
        certificates.mkdir()
        make_certificates(certificates)
        for place in ("etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt", "etc/ssl/ca-bundle.pem"):
            shutil.rmtree(self.root / "etc", ignore_errors=True)
            (self.root / place).parent.mkdir(parents=True)
            shutil.copy(certificates / "ca.crt", self.root / place)
            with Serve(self.dir / f"store-{place.replace('/', '-')}") as serve, \
                    TlsProxy(certificates, serve.endpoint) as proxy:
                self.upload_and_compare(serve, proxy.endpoint)
        shutil.rmtree(self.root / "etc")
        with Serve(self.dir / "store") as serve, TlsProxy(certificates, serve.endpoint) as proxy:
            ended = self.run_job(proxy.endpoint)
            self.assertEqual(ended.returncode, 77, "without the file, the store is not trusted: " + ended.stderr)

    def test_a_symbolic_link_and_a_foreign_library_path_do_no_harm(self):
        (self.root / "link").symlink_to("/s3flow/bin/s3flow")
        ended = self.inside("--version", program="/link", LD_LIBRARY_PATH="/nonexistent")
        self.assertRegex(ended.stdout, r"^s3flow \d", ended.stderr)

    def test_a_bundle_in_pieces_says_so(self):
        shutil.rmtree(self.root / "s3flow/lib")
        ended = self.inside("--version")
        self.assertEqual(ended.returncode, 71)
        self.assertIn("unpack the whole portable bundle", ended.stderr)

    @unittest.skipUnless(pathlib.Path("/usr/share/modules/init/bash").exists(), "needs environment-modules")
    def test_the_module_file_puts_the_bundle_into_path(self):
        version = s3flow("--version").stdout.split()[1]
        (self.root / "s3flow").rename(self.root / f"s3flow-{version}-linux-x86_64")
        self.write(f"modules/s3flow/{version}", (TOP / "config/examples/install/modulefiles/s3flow.tcl").read_bytes())
        script = ("source /usr/share/modules/init/bash; module use modules; module load s3flow; s3flow --version; "
                  "man -w s3flow; module unload s3flow; command -v s3flow || echo gone")
        environment = clean_environment(S3FLOW_MODULE_BASE=str(self.root), PATH="/usr/bin:/bin", HOME=str(self.dir))
        environment.pop("MANPATH", None)
        ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=self.dir, timeout=60, env=environment)
        lines = ended.stdout.splitlines()
        self.assertEqual((lines[0], lines[-1]), (f"s3flow {version}", "gone"), ended.stdout + ended.stderr)
        if shutil.which("man"):
            self.assertIn(str(self.root), lines[1])


class Recipes(unittest.TestCase):
    def test_the_spack_recipe_is_python(self):
        path = TOP / "config/examples/install/spack/package.py"
        compile(path.read_text(), str(path), "exec")


if __name__ == "__main__":
    unittest.main()
