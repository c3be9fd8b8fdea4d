"""Databases, tables and imports with Treasure Data's client, as its users write it."""

import datetime
import gzip
import io
import json
import os
import sys
import time

import msgpack
import tdclient
from tdclient import errors

told = json.loads(sys.argv[1])


def soon(look, expected):
    """Rows are to be seen seconds after they were kept."""
    deadline = time.monotonic() + 60
    while True:
        found = look()
        if found == expected or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def failure(work):
    try:
        work()
        return None
    except (errors.APIError, ValueError) as error:
        return [type(error).__name__, str(error)]


def packed(records):
    return gzip.compress(b"".join(msgpack.packb(record) for record in records))


with tdclient.Client(endpoint=told["url"], apikey=told["key"], retry_post_requests=True) as td:
    found = {"status": td.server_status()}

    td.create_database("py_db")
    td.create_database("py_other")
    found["exists"] = failure(lambda: td.create_database("py_db"))
    found["databases"] = [[each.name, each.count, each.permission] for each in td.databases()]
    database = td.database("py_db")
    found["dated"] = isinstance(database.created_at, datetime.datetime)

    td.create_log_table("py_db", "logs")
    found["table exists"] = failure(lambda: td.create_log_table("py_db", "logs"))
    found["bad name"] = failure(lambda: td.create_log_table("py_db", "a"))
    found["missing"] = failure(lambda: td.tables("py_none"))
    found["empty"] = list(td.tail("py_db", "logs", 3))

    body = packed([{"time": 1700000000, "path": "/a", "code": 200}, {"time": 1700000001, "path": "/b", "code": None}])
    found["elapsed"] = type(td.import_data("py_db", "logs", "msgpack.gz", body, len(body))).__name__
    again = packed([{"time": 1700000002, "path": "/c"}])
    for _ in range(2):
        td.import_data("py_db", "logs", "msgpack.gz", again, len(again), unique_id="once")
    # A file has a record with an empty key where pandas wrote its index into it.
    csv = io.BytesIO(b",time,path\n0,1700000003,/d\n")
    td.import_file("py_db", "logs", "csv", csv)
    found["no table"] = failure(lambda: td.import_data("py_db", "none", "msgpack.gz", body, len(body)))

    found["count"] = soon(lambda: td.table("py_db", "logs").count, 4)
    rows = td.tail("py_db", "logs", 10)
    found["tail"] = [[row["time"], row["path"]] for row in rows]
    table = td.table("py_db", "logs")
    found["schema"] = table.schema
    found["last"] = str(table.last_log_timestamp)
    found["types"] = [type(table.estimated_storage_size).__name__, table.type, table.expire_days]

    td.update_schema("py_db", "logs", [["path", "string"], ["code", "int"]])
    found["new schema"] = td.table("py_db", "logs").schema
    found["bad schema"] = failure(lambda: td.update_schema("py_db", "logs", [["path", "text"]]))
    td.update_expire("py_db", "logs", 30)
    found["expire"] = td.table("py_db", "logs").expire_days
    td.create_log_table("py_db", "others")
    td.swap_table("py_db", "logs", "others")
    found["swapped"] = {each.name: each.count for each in td.tables("py_db")}
    td.change_database("py_db", "others", "py_other")
    found["moved"] = {name: [each.name for each in td.tables(name)] for name in ["py_db", "py_other"]}
    found["deleted"] = td.delete_table("py_db", "logs")
    found["gone"] = failure(lambda: td.delete_table("py_db", "logs"))
    td.delete_database("py_db")
    td.delete_database("py_other")
    found["all gone"] = [each.name for each in td.databases()]

with tdclient.Client(endpoint=told["url"], apikey=told["writeKey"]) as td:
    found["forbidden"] = failure(lambda: td.create_database("py_more"))
os.environ["TD_API_SERVER"] = told["url"]
os.environ["TD_API_KEY"] = "1/0123456789abcdef"
with tdclient.Client() as td:
    found["unknown"] = failure(lambda: td.databases())

print(json.dumps(found))
