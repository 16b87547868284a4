"""Turns results.json into results.md and plots."""
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

MIB, GIB = 1 << 20, 1 << 30
SMALL = 1 << 20  # bytes; rows of smaller objects show objects/s, other rows show bytes/s


def per_unit(run, value):
    units = run["objects"] if run["objects"] and run["bytes"] / run["objects"] < SMALL else run["bytes"] / GIB
    return run[value] / units if units else 0


def rate(run):
    return run["bytes"] / run["wall_s"]


def cpu(run):
    """Returns CPU seconds per byte, so that runs with different numbers of objects can be compared."""
    return run["cpu_s"] / run["bytes"] if run["bytes"] else 0


def spread(values, form="{:.2f}"):
    middle = statistics.median(values)
    if len(values) == 1:
        return form.format(middle)
    return f"{form.format(middle)} ({form.format(min(values))}-{form.format(max(values))})"


def of(runs, who):
    return [run for run in runs if run["who"] == who]


def ratios(runs, who, value):
    """Returns the ratios of s3flow to `who`, one for each round."""
    ours = {run["round"]: run for run in of(runs, "s3flow")}
    return [value(ours[run["round"]]) / value(run) for run in of(runs, who) if run["round"] in ours and value(run) > 0]


def table(result):
    row, runs = result["row"], result["runs"]
    small = row["bytes"] < SMALL
    told = f"{row['concurrency']} in flight, payload {row['payload']}, checksum {row['checksum']}" if row.get("tuned", True) else "no settings"
    lines = [f"### {row['name']}", "", f"{row['files']:,} files of {row['size']}, {told}, sink {row['sink']}{' with TLS' if row['tls'] else ''}"
             f"{', latency ' + row['latency'] if row['latency'] != '0ms' else ''}.", ""]
    unit = "objects/s" if small else "MiB/s"
    lines += [f"| | {unit} | speed ratio | CPU {'us/object' if small else 's/GiB'} | CPU ratio | peak MiB |", "|---|---|---|---|---|---|"]
    for who in dict.fromkeys(run["who"] for run in runs if run["who"] != "noise"):
        mine = of(runs, who)
        floor = not mine[0]["client"]
        objects = small and mine[0]["objects"] > 0
        speed = [run["objects"] / run["wall_s"] if objects else run["bytes"] / run["wall_s"] / MIB for run in mine]
        cost = [per_unit(run, "cpu_s") * (1e6 if objects else 1) for run in mine]
        faster, cheaper = ratios(runs, who, rate), ratios(runs, who, cpu)
        name = f"*floor: {who}*" if floor else f"{who} ({result['versions'][who]})"
        shown = spread(speed, "{:,.0f}") + ("" if objects == small else " MiB/s")
        same = who == "s3flow"
        lines.append(f"| {name} | {shown} | {'' if same or not faster else spread(faster)} | {spread(cost, '{:.1f}' if objects else '{:.3f}')} | "
                     f"{'' if same or not cheaper else spread(cheaper, '{:.3f}')} | {max(run['peak_bytes'] for run in mine) / MIB:.0f} |")
    noise = [run["cpu_s"] for run in of(runs, "noise")]
    lines += ["", f"A fixed loop took {spread(noise, '{:.3f}')} s of CPU between these runs: the machine's noise.", ""]
    return lines


def gnuplot(out, name, commands):
    if shutil.which("gnuplot"):
        text = f"set terminal svg size 800,400 font 'sans-serif,12'\nset output '{out / name}.svg'\n{commands}"
        subprocess.run(["gnuplot"], input=text, text=True, check=True)
        return [f"![{name}]({name}.svg)", ""]
    return []


def bars(results, out, name, title, value):
    """Plots one cluster of bars for each row, with one bar for each client."""
    whos = list(dict.fromkeys(run["who"] for result in results["rows"] for run in result["runs"] if run["client"]))
    lines = []
    for result in results["rows"]:
        cells = []
        for who in whos:
            mine = of(result["runs"], who)
            cells.append(f"{statistics.median(map(value, mine)):.6g}" if mine else "NaN")
        lines.append(f"\"{result['row']['name']}\" " + " ".join(cells))
    data = "$data << EOD\n" + "\n".join(lines) + "\nEOD\n"
    plots = ", ".join(f"$data using {i + 2}:xtic(1) title '{who}'" for i, who in enumerate(whos))
    return gnuplot(out, name, data + "set style data histogram\nset style fill solid 0.8\nset logscale y\nset xtics rotate by -15\n"
                   f"set title '{title}'\nset key outside\nplot {plots}\n")


def slots(results, out):
    """Plots the number of slots over time, for a run with concurrency auto."""
    lines = []
    for index, result in enumerate(results["rows"]):
        run = next((run for run in result["runs"] if run.get("slots")), None)
        if run is None:
            continue
        points = "\n".join(f"{second} {count}" for second, count in run["slots"])
        name = result["row"]["name"].replace("'", "''")  # gnuplot doubles a quote within quotes
        lines += gnuplot(out, f"slots-{index}", f"$data << EOD\n{points}\nEOD\nset title 'slots in circulation: {name}'\n"
                         "set xlabel 's'\nset yrange [0:*]\nunset key\nplot $data using 1:2 with steps lw 2\n")
    return lines


def write(results, out):
    here = results["machine"]
    lines = [f"# {results['title']}", "", f"{results['date']}, {here['cores']} cores ({here['cpu']}), Linux {here['kernel']}, {results['rounds']} rounds in turn: "
             f"median (minimum-maximum). The data is on {here['data_on']}, in the page cache. Client and sink share the machine. A ratio is s3flow's value divided by the client's, computed in each round.", ""]
    for result in results["rows"]:
        lines += table(result)
    lines += bars(results, out, "rate", "bytes per second, logarithmic", rate)
    lines += bars(results, out, "cpu", "CPU seconds per byte, logarithmic", cpu)
    lines += slots(results, out)
    (out / "results.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    write(json.loads((folder / "results.json").read_text()), folder)
