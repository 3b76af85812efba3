#!/usr/bin/env python3
"""The script of each guide against holdfast: the same application, the same hours, one table. Standard library only.

  benches/guides/main.py --holdfast FILE [--hours 24] [--scale 1.0] [--only NAME,...] [--scratch DIR] [--json FILE]

For each application a database (and buckets, a vault, keys) is filled in a throwaway PostgreSQL cluster and moto. Then,
for each hour: it changes a little; the guide's script runs, as it is written but for paths and for the hour in names
that have the day only; and `holdfast run` with the page's app file, with a clock that is an hour further each time. At
the end the data is destroyed and restored by the guide's commands, destroyed again and restored by `holdfast
restore-app`; after each the rows, objects and files are compared with what there was. Seconds are wall time.

It needs PostgreSQL, moto (tests/s3-server --install), aws (PyPI: awscli), age, rsync, openssl and faketime.
"""
import argparse, json, os, statistics, sys
from parts import Cluster, ObjectServer, Stage
from applications import APPLICATIONS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--holdfast", required=True)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--scratch", default=os.environ.get("TMPDIR", "/tmp"))
    parser.add_argument("--json")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [it.name for it in APPLICATIONS]
    results = []
    with Cluster(options.scratch) as cluster, ObjectServer() as server:
        for application in APPLICATIONS:
            if application.name in wanted:
                results.append(compare(application, cluster, server, options))
                print(row(results[-1]), flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
    print()
    print("| application | | stored MiB | an hour | the first | restore |")
    print("|---|---|---|---|---|---|")
    for result in results:
        print(row(result))


def compare(application, cluster, server, options):
    with Stage(application, cluster, server, options) as stage:
        application.fill(stage, options.scale)
        guide, holdfast = [], []
        for hour in range(options.hours):
            application.hour(stage, hour)
            turns = [(guide, stage.guide), (holdfast, stage.holdfast)]
            # Whoever comes second finds warm caches.
            for times, run in turns if hour % 2 == 0 else reversed(turns):
                times.append(run(hour))
            print(f"{application.name} hour {hour}: {guide[-1]:.2f} {holdfast[-1]:.2f}", file=sys.stderr, flush=True)
        stored = stage.stored()
        state = stage.state()
        restored = {}
        for who, restore in (("guide", stage.guide_restore), ("holdfast", stage.holdfast_restore)):
            stage.destroy()
            restored[who] = restore()
            missing = stage.differences(state)
            restored[who + "_lost"] = missing
        result = {"name": application.name, "hours": options.hours, "stored": stored, "restored": restored}
        for who, times in (("guide", guide), ("holdfast", holdfast)):
            result[who] = {"first": times[0], "hour": statistics.median(times[1:] or times)}
        return result


def row(result):
    lines = []
    for who in ("guide", "holdfast"):
        lost = result["restored"][who + "_lost"]
        lines.append(
            "| {} | {} | {:.1f} | {:.2f} | {:.2f} | {:.2f}{} |".format(
                result["name"] if who == "guide" else "",
                who,
                result["stored"][who] / 2**20,
                result[who]["hour"],
                result[who]["first"],
                result["restored"][who],
                "; not restored: " + ", ".join(lost) if lost else "",
            )
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
