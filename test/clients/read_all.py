"""Reads a whole table and prints its columns, each a list, with dates, times and decimals as texts."""

import json
import sys

from pyiceberg.catalog import load_catalog

given = json.loads(sys.argv[1])
catalog = load_catalog("biwa", type="rest", uri=given["uri"], token=given["token"])
rows = catalog.load_table(given["table"]).scan().to_arrow().sort_by("n")
print(json.dumps({name: rows[name].to_pylist() for name in rows.column_names}, default=str))
