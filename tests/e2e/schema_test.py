"""`s3flow schema` describes what the loader accepts. The validator is python3-jsonschema."""
import json
import re
import sys
import unittest

import jsonschema
import yaml

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from support.harness import TOP, TestCase, s3flow, seeded_random

BROKEN = TOP / "tests/config/broken"
# The broken jobs that a schema cannot refuse, and why.
UNSEEN = {
    "a condition between several keys": [
        "accelerate-own", "cap-below-base", "client-key-alone", "encryption-twice", "endpoint-and-list", "fips-china", "half-credentials",
        "kms-key-without-kms", "list-and-stream", "lock-half", "memory-below-part", "profile-and-keys", "profile-refuses", "stdin-without-key", "stdin-without-stream",
        "trailer-md5", "trailer-without-chunks", "two-lists", "unsigned-over-http", "virtual-on-address"],
    "a condition between several entries of a list": ["endpoints-mixed", "stdin-twice"],
    "a bound of a number within a text": ["duration-too-short", "endpoint-port", "on-failure-number", "part-size-large", "part-size-small", "proxy-port", "size-overflow"],
    "a word with a meaning of its own": ["globs-from-stdin"],
    "a feature of YAML that the loader refuses; a validator sees the tree without it": ["alias", "anchor", "duplicate-key", "duplicate-section", "tag", "utf16"],
    "a variable, which only the loader replaces": ["variable-name", "variable-unclosed", "variable-unset"],
}


class CoreLoader(yaml.SafeLoader):
    """Reads scalars as YAML 1.2 and the language servers of editors do: "yes" and dates are texts."""


CoreLoader.yaml_implicit_resolvers = {}
for tag, pattern, first in [("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"), ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
                            ("int", r"^[-+]?[0-9]+$", "-+0123456789"), ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789")]:
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), [c if c != "\0" else "" for c in first])
CoreLoader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def schema(*arguments):
    ended = s3flow("schema", *arguments)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def validator(*arguments):
    document = schema(*arguments)
    jsonschema.Draft7Validator.check_schema(document)
    return jsonschema.Draft7Validator(document)


class Schema(TestCase):
    def problems(self, check, data):
        """What is wrong with a file: of its YAML, or of its tree."""
        try:
            tree = yaml.load(data, CoreLoader)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            return [str(error)]
        return [error.message for error in check.iter_errors(tree)]

    def test_every_example_is_valid(self):
        check = validator()
        jobs = {path.name: path.read_text() for path in (TOP / "config/examples").rglob("*.yaml") if "faults" not in path.name}
        for page in [TOP / "README.md", *(TOP / "config").rglob("*.md")]:
            for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S)):
                if block.startswith("source:") and "destination:" in block:
                    jobs[f"{page.name} {number}"] = block
        self.assertGreaterEqual(len(jobs), 3, jobs.keys())
        for name, text in jobs.items():
            self.assertEqual(self.problems(check, text), [], name)

    def test_what_check_prints_is_valid(self):
        check = validator()
        for path in (TOP / "config/examples").glob("*.yaml"):
            if "faults" in path.name:
                continue
            ended = s3flow("check", path, AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(self.problems(check, ended.stdout), [], path)

    def test_every_broken_job_is_refused(self):
        check = validator()
        accepted = {path.name for path in BROKEN.glob("*.yaml") if not self.problems(check, path.read_bytes())}
        self.assertEqual(accepted, {f"{name}.yaml" for names in UNSEEN.values() for name in names})

    def test_defaults_and_examples_are_valid(self):
        def walk(place, part):
            for name, property in part.get("properties", {}).items():
                check = jsonschema.Draft7Validator(property)
                values = property.get("examples", []) + ([property["default"]] if "default" in property else [])
                for value in values:
                    self.assertEqual([e.message for e in check.iter_errors(value)], [], f"{place}.{name}: {value!r}")
                walk(f"{place}.{name}", property)
                walk(f"{place}.{name}[]", property.get("items", {}))
        for arguments in ([], ["--faults"]):
            document = schema(*arguments)
            walk("", document)
            if not arguments:
                described = [p for part in document["properties"].values() for p in part.get("items", part)["properties"].values()]
                self.assertTrue(all(property.get("description") for property in described))
                self.assertGreater(len(described), 80)

    def test_faults_files(self):
        check = validator("--faults")
        self.assertEqual(self.problems(check, (TOP / "config/examples/quickstart-faults.yaml").read_text()), [])
        for text in ("faults: {}", "faults: [{operation: PutObject}]", "faults: [{action: explode}]", "faults: [{action: delay, attempts: some}]",
                     "faults: [{action: status, status: 200}]", "fault: []", "faults: [{action: reset, evry: 2}]", ""):
            self.assertNotEqual(self.problems(check, text), [], text)
        for attempts in ("1", "2-4", "3-", "all"):
            self.assertEqual(self.problems(check, f"faults: [{{action: delay, attempts: {attempts}}}]"), [], attempts)

    def test_what_the_loader_accepts_the_schema_accepts(self):
        """Puts random values into random keys. The schema may be less strict than the loader, never more."""
        random = seeded_random()
        check = validator()
        keys = [(section, name) for section, part in schema()["properties"].items() for name in part.get("items", part)["properties"]]
        atoms = ["0", "1", "8", "-", "5", "MiB", "kb", " ", "ms", "s", "1h", "2m", "true", "false", "auto", "none", "a", "Z", ".", "..", "/", ":", "http://",
                 "https://h", "[::1]", ":80", "é", "%", "stop_after: ", "stop_above: ", "continue", "stop", "+", "e", "${HOME}", "$${", "*", "b" * 3, "\n", "_"]
        words = ["stop_after: 3", "stop_above: 5.5%", "1m30s", "8 MiB", "010", "1e3", "0.5", "socks5h://u:p@h:1", "http://[::1]:080/", "HTTP://h_1", "-.-",
                 "2027-01-31T00:00:00.5Z", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=", "true", "7", "1970", "kms", "aws"]
        accepted = 0
        for _ in range(600):
            section, name = random.choice(keys)
            value = random.choice(words) if random.random() < 0.4 else "".join(random.choices(atoms, k=random.randint(0, 3)))
            quoted = json.dumps(value, ensure_ascii=False) if random.random() < 0.6 or re.search(r"[\n:{}\[\]*&#%,]|^[ -]|^$| $", value) else value
            shown = random.choice([quoted, quoted, f"[{quoted}]", f"{{a: {quoted}}}", f"{{stop_after: {quoted}}}", f"{{put: {quoted}}}"])
            if random.random() < 0.1:  # no value, alone and in a list and a mapping
                shown = random.choice(["", "[]", "[~]", "{}", "{a: }", "{stop: }", "{continue: [a]}", "{put: }", "[{match: }]", "[{match: a, acl: }]"])
            parts = {"source": {"path": "data"}, "destination": {"bucket": "bucket"}}
            parts.setdefault(section, {})[name] = shown
            text = "".join(f"{part}:\n" + "".join(f"{'  - ' if part == 'source' and i == 0 else '    '}{key}: {item}\n" for i, (key, item) in
                                                   enumerate(entries.items())) for part, entries in parts.items())
            ended = s3flow("check", self.write("job.yaml", text), HOME="/home/h")
            if ended.returncode == 0:
                accepted += 1
                self.assertEqual(self.problems(check, text), [], text)
        self.assertGreater(accepted, 50)


if __name__ == "__main__":
    unittest.main()
