"""Scans a table again and again, until the input ends, and prints what it found at which snapshot: one JSON object a line."""

import json
import sys
import threading

import pyarrow.compute as pc
from pyiceberg.catalog import load_catalog

given = json.loads(sys.argv[1])
catalog = load_catalog("biwa", type="rest", uri=given["uri"], token=given["token"])
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()

while True:
    is_last = stopped.is_set()
    table = catalog.load_table(given["table"])
    snapshot = table.current_snapshot()
    names = [field.name for field in table.schema().fields]
    rows = table.scan().to_arrow()
    sums = {name: pc.sum(rows[name]).as_py() for name in given["sums"] if name in names}
    print(json.dumps({"snapshot": snapshot.snapshot_id, "count": rows.num_rows, "sums": sums, "columns": names}))
    if is_last:
        break
