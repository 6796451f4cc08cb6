#!/usr/bin/env python3
"""Derives the usage files and expected.toml from two publications of federal royalty sales data.

    python3 derive.py EARLIER.csv LATER.csv FOLDER

EARLIER is federal-sales.csv as of 2024-04-11, LATER the same file as of 2025-03-11; the results go
into FOLDER. Python 3 and its standard library, decimals only: the output is the same, byte for
byte, wherever it runs. SOURCES.md says where the publications come from and what was changed.
"""

import csv
import sys
from decimal import Decimal
from pathlib import Path

# The years that both publications cover.
YEARS = range(2013, 2024)
PUBLICATIONS = {"2024": "as of 2024-04-11", "2025": "as of 2025-03-11"}

# What the later publication calls by another name: lines of the two must be known as the same.
REGIONS = {"Gulf of America": "Gulf of Mexico"}
COMMODITIES = {"Oil  (bbl)": "Oil", "Gas (mcf)": "Gas", "NGL (gal)": "NGL"}
# The sales volume is in barrels, thousand cubic feet or gallons: one meter each.
METERS = {"Oil": "oil_bbl", "Gas": "gas_mcf", "NGL": "ngl_gal"}

# What is known of the publications: lines and net royalty of the years that both cover.
EXPECTED = {
    "2024": (800, Decimal("92631317288.05")),
    "2025": (800, Decimal("92452731253.08")),
}

COLUMNS = [
    "day", "land", "region", "revenue_type", "commodity",
    "oil_bbl", "gas_mcf", "ngl_gal", "gas_mmbtu", "sales_value",
    "gross", "deduction.transport", "deduction.processing", "deduction.unreconciled",
]


def plain(number):
    """A plain decimal without trailing zeros; empty for zero."""
    if number == 0:
        return ""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def lines(path):
    """Per line of a publication, what identifies it: a usage line and its net royalty."""
    found = {}
    with open(path, newline="", encoding="utf-8-sig") as publication:
        rows = csv.reader(publication)
        next(rows)
        for row in rows:
            year, land_class, land, region, revenue_type, commodity = row[:6]
            volume, mmbtu, sales, before, transport, processing, net = map(Decimal, row[6:13])
            if land_class != "Federal":
                sys.exit(f"{path}: not federal: {row}")
            if int(year) not in YEARS:
                continue
            region = REGIONS.get(region, region)
            commodity = COMMODITIES.get(commodity, commodity)
            line = {
                "day": f"{year}-12-31",
                "land": land,
                "region": region,
                "revenue_type": revenue_type,
                "commodity": commodity,
                "gas_mmbtu": plain(mmbtu),
                "sales_value": plain(sales),
                "gross": plain(before) or "0",
                # Allowances are published as negative numbers; a deduction is subtracted.
                "deduction.transport": plain(-transport),
                "deduction.processing": plain(-processing),
                # What the published figures leave unexplained, so that the base is the net.
                "deduction.unreconciled": plain(before + transport + processing - net),
            }
            if commodity in METERS:
                line[METERS[commodity]] = plain(volume)
            elif volume != 0:
                sys.exit(f"{path}: a volume without a unit: {row}")
            key = (year, land, region, revenue_type, commodity)
            if key in found:
                sys.exit(f"{path}: a line stands twice: {key}")
            found[key] = (line, net)
    return found


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    publications = dict(zip(PUBLICATIONS, map(lines, sys.argv[1:3])))
    for name, found in publications.items():
        totals = (len(found), sum(net for _, net in found.values()))
        if totals != EXPECTED[name]:
            sys.exit(f"publication {name}: expected {EXPECTED[name]}, found {totals}")
    folder = Path(sys.argv[3])
    for name, found in publications.items():
        for year in YEARS:
            with open(folder / f"usage-{year}-{name}.csv", "w", newline="", encoding="ascii") as file:
                out = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
                out.writeheader()
                out.writerows(found[key][0] for key in sorted(found) if key[0] == str(year))
    with open(folder / "expected.toml", "w", newline="", encoding="ascii") as file:
        file.write("\n".join(expected(*publications.values())) + "\n")


def expected(earlier, later):
    """The lines of expected.toml."""
    yield "# Written by derive.py: net royalty per calendar year in US dollars, as the two publications have it."
    yield "# `difference` is what the true-up of the period comes to. `restated` counts the lines whose net"
    yield "# differs, `restated_by_a_dollar` those in which it differs by a dollar or more."
    total = [0, Decimal(0), Decimal(0), 0, 0]
    nothing = (None, Decimal(0))
    for year in YEARS:
        keys = [key for key in earlier.keys() | later.keys() if key[0] == str(year)]
        was = [earlier.get(key, nothing)[1] for key in keys]
        now = [later.get(key, nothing)[1] for key in keys]
        moved = [abs(b - a) for a, b in zip(was, now) if a != b]
        year_figures = [len(keys), sum(was), sum(now), len(moved), sum(one >= 1 for one in moved)]
        total = [a + b for a, b in zip(total, year_figures)]
        yield f'\n[[year]]\nyear = {year}\nperiod = "{year}-Q4"'
        yield figures(year_figures)
    yield "\n[total]"
    yield figures(total)


def figures(of):
    """The figures of a year, or of all."""
    lines, was, now, moved, moved_by_a_dollar = of
    return (
        f'lines = {lines}\nearlier = "{was:.2f}"\nlater = "{now:.2f}"\ndifference = "{now - was:.2f}"\n'
        f"restated = {moved}\nrestated_by_a_dollar = {moved_by_a_dollar}"
    )


if __name__ == "__main__":
    main()
