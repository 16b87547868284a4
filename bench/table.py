"""Writes bench/RESULTS.md, and the rows between the two markers in README, from the results in
bench/results."""
import json
import pathlib
import re
import statistics
import sys

import report

BEGIN, END = "<!-- written by bench/table: begin -->", "<!-- end -->"
MIB = 1 << 20


def median(runs, who, value):
    return statistics.median(value(run) for run in report.of(runs, who))


def lines_of(result):
    row, runs = result["row"], result["runs"]
    small = row["bytes"] < report.SMALL
    unit = (lambda run: run["objects"] / run["wall_s"]) if small else (lambda run: report.rate(run) / MIB)
    cost = (lambda run: report.per_unit(run, "cpu_s") * 1e6) if small else (lambda run: report.per_unit(run, "cpu_s"))
    for who in dict.fromkeys(run["who"] for run in runs if run["who"] != "noise"):
        client = report.of(runs, who)[0]["client"]
        if small and not client and not report.of(runs, who)[0]["objects"]:
            continue
        faster, cheaper = report.ratios(runs, who, report.rate), report.ratios(runs, who, report.cpu)
        ours = who == "s3flow"
        version = re.search(r"\d+\.\d+[\w.]*", result["versions"].get(who, ""))
        name = (version.group() if version else "") if client else "(floor)"
        yield (f"| {row['name']} | {who} {name} | {median(runs, who, unit):,.0f} {'objects/s' if small else 'MiB/s'} | {'' if ours else report.spread(faster)} | "
               f"{median(runs, who, cost):{'.0f' if small else '.2f'}} {'us/object' if small else 's/GiB'} | {'' if ours else report.spread(cheaper)} | "
               f"{max(run['peak_bytes'] for run in report.of(runs, who)) / MIB:.0f} MiB |")


def adapt_lines(adapt):
    told = {"latency": "50 ms of latency, 10,000 x 4 KiB: objects/s with concurrency auto, divided by that of the best fixed concurrency (64 to 2,048)",
            "jitter": "log-normal latencies, median 20 ms, sigma 0.5, 30,000 x 4 KiB: the same ratio (64 to 1,024)",
            "throttle": "a store that allows 200 requests a second: goodput divided by 200", "hang": "1 of 200 requests hangs: time, divided by that of a run without hanging requests",
            "outage": "60 s of outage, 512 in flight: failed objects; requests a second during it; seconds until 0.9 of the old rate",
            "many": "4,096 in flight: peak resident memory"}
    shown = {"latency": lambda r: r["auto_of_best"], "jitter": lambda r: r["auto_of_best"], "throttle": lambda r: f"{r['goodput_of_200']:.2f}, {100 * r['refused_share_of_whole_run']:.1f} % refused, {r['failed']} failed",
             "hang": lambda r: r["of_the_clean_run"], "many": lambda r: f"{r['peak_mib']:.0f} MiB",
             "outage": lambda r: f"{r['failed']}; {r['requests_per_s_during']:.1f}; {r['back_at_0.9_after_s']}"}
    return [f"| {told[name]} | {shown[name](adapt[name])} |" for name in told if name in adapt]


def when(result):
    machine = result["machine"]
    return f"{result['date']}, {result['rounds']} rounds on {machine['cores']} cores ({machine['cpu']}), data on {machine.get('data_on', 'tmpfs')}"


def table(results):
    text = ["| work | client | speed | speed ratio | CPU | CPU ratio | peak memory |", "|---|---|---|---|---|---|---|"]
    for result in results:
        for row in result["rows"]:
            text += lines_of(row)
    return text


def ratio(runs, who, value):
    return f"{statistics.median(report.ratios(runs, who, value)):.1f}" if report.of(runs, who) else ""


# The rows of README: (result, name of its row). First with the defaults of each client, then with equal settings for all.
SUMMARY = [("untuned", "20,000 x 4 KiB"), ("untuned", "4,000 x 256 KiB"), ("untuned", "1 GiB in 4 files"),
           ("untuned", "1 GiB in 4 files, over TLS"), ("small", "20,000 x 4 KiB, SHA-256 signed"), ("small", "the same over TLS")]
NAMES = {"the same over TLS": "20,000 x 4 KiB, SHA-256 signed, over TLS"}


def summary(read):
    yield "| work | s3flow | s5cmd | rclone | aws-cli | CPU time, share of s5cmd's |"
    yield "|---|---|---|---|---|---|"
    for name, wanted in SUMMARY:
        result = next(r for r in read[name]["rows"] if r["row"]["name"] == wanted)
        runs = result["runs"]
        small = result["row"]["bytes"] < report.SMALL
        speed = median(runs, "s3flow", (lambda run: run["objects"] / run["wall_s"]) if small else (lambda run: report.rate(run) / MIB))
        faster = " | ".join(ratio(runs, who, report.rate) for who in ("s5cmd", "rclone", "awscli"))
        cheaper = statistics.median(report.ratios(runs, "s5cmd", report.cpu))
        settings = ", no settings" if name == "untuned" else ""
        yield f"| {NAMES.get(wanted, wanted)}{settings} | {speed:,.0f} {'objects/s' if small else 'MiB/s'} | {faster} | {cheaper:.2f} |"


def full(read):
    shared = [read[name] for name in ("small", "large") if name in read]
    text = ["# Results", "", "`bench/table` wrote this file from the measurements in `bench/results/`. DESIGN.md says how they are measured.", "",
            "Each row of another client or floor compares it with s3flow: \"speed ratio\" is s3flow's speed divided by the client's, \"CPU ratio\" is s3flow's CPU time "
            "divided by the client's. s3flow is better if the speed ratio is above 1 and the CPU ratio below 1. Each figure is a median, with (minimum-maximum); each "
            "ratio is computed within one round. Client and sink share the machine and "
            "run in turn. The sink is nginx, which reads every request body and keeps nothing. Files are read from the page cache. s3flow checks each "
            "response and writes its journal; it hashes payloads where the row says so. Slow clients get fewer small files (awscli and s3cmd 500, rclone 5,000), "
            "so the start of their process has a larger share.", "", "## Equal settings for all clients", "", f"{'; '.join(when(result) for result in shared)}.", "", *table(shared)]
    if "untuned" in read:
        text += ["", "## Every client with its defaults", "", f"{when(read['untuned'])}. No client has a setting for speed or integrity. By default s3flow signs the "
                 "payload's SHA-256 and sends Content-MD5.", "", *table([read["untuned"]])]
    if "wide" in read:
        text += ["", "## Many cores", "", f"{when(read['wide'])}. nginx has 2 workers where 128 small requests are in flight, 4 for large files, 8 with TLS.", "",
                 *table([read["wide"]])]
    return text + ["", "## Without settings, against the embedded endpoint", "", "| | |", "|---|---|", *adapt_lines(read.get("adapt", {})), ""]


def main():
    folder = pathlib.Path(sys.argv[1])
    read = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("small", "large", "untuned", "wide", "adapt") if (folder / f"{name}.json").exists()}
    readme = pathlib.Path("README.md").read_text()
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"README.md: the lines '{BEGIN}' and '{END}' are missing")
    written = {"bench/RESULTS.md": "\n".join(full(read)), "README.md": "\n".join([before + BEGIN, *summary(read), END + after])}
    if "--check" in sys.argv:
        old = [name for name, text in written.items() if pathlib.Path(name).read_text() != text]
        sys.exit(f"{', '.join(old)}: differs from what bench/results gives: run bench/table" if old else 0)
    for name, text in written.items():
        pathlib.Path(name).write_text(text)


if __name__ == "__main__":
    main()
