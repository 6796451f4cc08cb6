#!/usr/bin/env python3
"""Derives usage-2023-11.csv from the Azure LLM inference traces of 2023-11-16.

    python3 derive.py AzureLLMInferenceTrace_code.csv AzureLLMInferenceTrace_conv.csv > usage-2023-11.csv

Python 3 and its standard library, integers only: the output is the same, byte for byte, wherever
it runs. SOURCES.md says where the traces come from and what the result is and is not.
"""

import csv
import sys

# The traced hour stands for every hour of every day, on 100 installations of the traced size.
HOURS_PER_DAY = 24
INSTALLATIONS = 100
FACTOR = HOURS_PER_DAY * INSTALLATIONS
DAYS = 30  # November 2023

# USD 0.72 per million tokens, in and out: 72 units of 10^-8 dollars per token.
PRICE_UNITS = 72
PRICE_SCALE = 8

# What the traces do not say, and the report does.
MODEL = "llama-3.3-70b-instruct"
TERRITORY = "US"

# What is known of the traces: requests, tokens in, tokens out.
EXPECTED = {
    "code": (8_819, 18_059_974, 245_896),
    "chat": (19_366, 22_361_870, 4_088_665),
}


def minutes(path):
    """Per minute of the trace, in order: requests, tokens in, tokens out."""
    sums = {}
    with open(path, newline="", encoding="ascii") as trace:
        for row in csv.DictReader(trace):
            minute = sums.setdefault(row["TIMESTAMP"][:16], [0, 0, 0])
            minute[0] += 1
            minute[1] += int(row["ContextTokens"])
            minute[2] += int(row["GeneratedTokens"])
    return [sums[minute] for minute in sorted(sums)]


def decimal(units, scale):
    """units × 10^-scale as a plain decimal, without trailing zeros."""
    whole, fraction = divmod(units, 10**scale)
    digits = str(fraction).zfill(scale).rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    applications = {"code": minutes(sys.argv[1]), "chat": minutes(sys.argv[2])}
    for application, found in applications.items():
        totals = tuple(sum(column) for column in zip(*found))
        if totals != EXPECTED[application]:
            sys.exit(f"{application}: expected {EXPECTED[application]}, found {totals}")
    out = sys.stdout
    out.reconfigure(encoding="ascii", newline="\n")
    out.write("day,application,model,territory,input_tokens,output_tokens,requests,gross\n")
    for day in range(1, DAYS + 1):
        for application, found in applications.items():
            for requests, tokens_in, tokens_out in found:
                gross = decimal((tokens_in + tokens_out) * FACTOR * PRICE_UNITS, PRICE_SCALE)
                out.write(
                    f"2023-11-{day:02},{application},{MODEL},{TERRITORY},"
                    f"{tokens_in * FACTOR},{tokens_out * FACTOR},{requests * FACTOR},{gross}\n"
                )


if __name__ == "__main__":
    main()
