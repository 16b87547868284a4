"""README's performance section, between its two markers, from results."""
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
    told = {"latency": "50 ms of latency, 10,000 x 4 KiB: objects/s with concurrency auto, of the best fixed one of 64 to 2,048",
            "jitter": "latencies log-normal, median 20 ms, sigma 0.5, 30,000 x 4 KiB: the same, of 64 to 1,024",
            "throttle": "a store that takes 200 requests a second: goodput, of 200", "hang": "1 of 200 requests hangs: time, of a run where none does",
            "outage": "60 s of outage, 512 in flight: failed objects; requests a second meanwhile; seconds until 0.9 of the old rate",
            "many": "4,096 in flight: peak resident memory"}
    shown = {"latency": lambda r: r["auto_of_best"], "jitter": lambda r: r["auto_of_best"], "throttle": lambda r: f"{r['goodput_of_200']:.2f}, {100 * r['refused_share_of_whole_run']:.1f} % refused, {r['failed']} failed",
             "hang": lambda r: r["of_the_clean_run"], "many": lambda r: f"{r['peak_mib']:.0f} MiB",
             "outage": lambda r: f"{r['failed']}; {r['requests_per_s_during']:.1f}; {r['back_at_0.9_after_s']}"}
    return [f"| {told[name]} | {shown[name](adapt[name])} |" for name in told if name in adapt]


def when(result):
    machine = result["machine"]
    return f"{result['date']}, {result['rounds']} rounds on {machine['cores']} cores ({machine['cpu']}), data on {machine.get('data_on', 'tmpfs')}"


def table(results):
    text = ["| work | client | speed | s3flow's speed is that, times | CPU | s3flow's CPU is that, times | peak memory |", "|---|---|---|---|---|---|---|"]
    for result in results:
        for row in result["rows"]:
            text += lines_of(row)
    return text


def main():
    folder = pathlib.Path(sys.argv[1])
    read = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("small", "large", "untuned", "wide", "adapt") if (folder / f"{name}.json").exists()}
    shared = [read[name] for name in ("small", "large") if name in read]
    text = [BEGIN, f"{'; '.join(when(result) for result in shared)}. Client and sink share the machine, and run in turn; medians "
            "(least-most). The sink is nginx, which reads every body and keeps nothing; files are read from the page cache. Ratios are made round by round. "
            "A ratio of speed above 1 and one of CPU below 1 are s3flow's advantage. s3flow's answers are compared and journalled, its payloads hashed where it says so. Slow "
            "clients get fewer small files (awscli and s3cmd 500, rclone 5,000); their start counts.", "", *table(shared)]
    if "untuned" in read:
        text += ["", f"Every client as it comes, with no setting for speed or integrity ({when(read['untuned'])}). By itself s3flow signs the payload's SHA-256 and "
                 "sends Content-MD5, too:", "", *table([read["untuned"]])]
    if "wide" in read:
        text += ["", f"With cores to spare ({when(read['wide'])}; nginx has 2 workers where 128 small ones are in flight, 4 for large files, 8 with TLS):", "",
                 *table([read["wide"]])]
    text += ["", "Without being told anything (embedded endpoint):", "", "| | |", "|---|---|", *adapt_lines(read.get("adapt", {})), END]
    readme = pathlib.Path("README.md")
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(before + "\n".join(text) + after)


if __name__ == "__main__":
    main()
