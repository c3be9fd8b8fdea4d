"""Reads by DuckDB's own Iceberg extension, and prints the rows of the queries that it is given."""

import glob
import importlib
import json
import os
import sys

import duckdb

given = json.loads(sys.argv[1])
connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
for name in ("httpfs", "avro", "iceberg"):
    folder = os.path.dirname(importlib.import_module(f"duckdb_extension_{name}").__file__)
    [extension] = glob.glob(f"{folder}/extensions/*/{name}.duckdb_extension")
    connection.execute(f"load '{extension}'")
connection.execute(f"create secret (type iceberg, token '{given['token']}')")
connection.execute(f"attach 'biwa' as biwa (type iceberg, endpoint '{given['uri']}')")
print(json.dumps([connection.execute(query).fetchall() for query in given["queries"]], default=str))
