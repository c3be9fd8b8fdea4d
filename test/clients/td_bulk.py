"""Walks through the bulk imports, users and keys of td-client and pytd, and prints what they were given as one line of JSON."""

import gzip
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import msgpack
import pandas
import pytd
import tdclient

given = json.loads(sys.argv[1])
url, apikey = given["url"], given["apikey"]
seen = {}


def packed(*records):
    return gzip.compress(b"".join(msgpack.packb(record) for record in records))


def life_cycle(client):
    client.create_database("bulk")
    client.create_log_table("bulk", "whole")
    client.create_log_table("bulk", "from_csv")
    client.create_bulk_import("session", "bulk", "whole")
    session = client.bulk_import("session")
    seen["fresh"] = [session.status, session.upload_frozen, session.job_id]
    part = packed({"time": 1600000000, "a": 1}, {"time": "never", "a": 2})
    session.upload_part("one", io.BytesIO(part), len(part))
    session.upload_part("wrong", io.BytesIO(part), len(part))
    session.delete_part("wrong")
    session.upload_file("lines", "json", io.BytesIO(b'{"time":1600000001,"a":3,"b":"x"}\n'))
    seen["parts"] = session.list_parts()
    session.freeze()
    seen["frozen"] = session.upload_frozen
    session.unfreeze()
    session.freeze()
    job = session.perform(wait=True, wait_interval=1)
    seen["job"] = [job.type, job.status(), type(job.job_id).__name__]
    seen["ready"] = [
        session.status,
        session.valid_records,
        session.error_records,
        session.valid_parts,
        session.error_parts,
        session.job_id == str(job.job_id),
    ]
    seen["errors"] = [
        [error["part"], error["record_number"], error["error"], msgpack.unpackb(error["raw"])]
        for error in session.error_record_items()
    ]
    session.commit(wait=True, wait_interval=1)
    seen["committed"] = session.status
    seen["listed"] = [bulk.name for bulk in client.bulk_imports()]
    session.delete()
    seen["left"] = [bulk.name for bulk in client.bulk_imports()]
    try:
        client.bulk_import("session")
    except tdclient.errors.NotFoundError as error:
        seen["missing"] = str(error)
    try:
        client.create_bulk_import("again", "bulk", "whole")
        client.create_bulk_import("again", "bulk", "whole")
    except tdclient.errors.AlreadyExistsError:
        seen["twice"] = True


def data_frames():
    """Both at once, for pytd looks every five seconds only whether an import is done."""

    def load(table, frame, **options):
        client = pytd.Client(apikey=apikey, endpoint=url, database="bulk", default_engine="hive")
        client.load_table_from_dataframe(frame, table, writer="bulk_import", **options)

    plain = pandas.DataFrame({"time": [1600000000, 1600000001], "name": ["00012", "b"], "n": [1, 2]})
    lists = pandas.DataFrame({"time": [1600000000, 1600000001], "name": ["00012", "b"], "list": [[1, 2], [3]]})
    with ThreadPoolExecutor() as pool:
        loads = [
            pool.submit(load, "bulk.from_csv", plain, if_exists="append"),
            pool.submit(load, "bulk.from_msgpack", lists, if_exists="error", keep_list=True, chunk_record_size=1),
        ]
        for done in loads:
            done.result()


def people(client):
    client.add_user("Ada", "none", "ada@example.com", "difference engine")
    seen["users"] = [[user.name, user.email] for user in client.users()]
    client.add_apikey("ada@example.com")
    keys = client.list_apikeys("ada@example.com")
    seen["keys"] = len(keys)
    client.remove_apikey("ada@example.com", keys[0])
    seen["keys left"] = len(client.list_apikeys("ada@example.com"))
    signed_in = client.api.authenticate("ada@example.com", "difference engine")
    with tdclient.Client(signed_in, endpoint=url) as ada:
        seen["databases of ada"] = len(ada.databases())
    try:
        client.api.authenticate("ada@example.com", "another engine")
    except tdclient.errors.AuthError:
        seen["refused"] = True
    client.remove_user("ada@example.com")
    seen["users left"] = len(client.users())


def connectors(client):
    seen["connectors"] = client.api.connector_list()
    for name, call in {
        "guess": lambda: client.api.connector_guess({"config": {"in": {"type": "s3"}}}),
        "result": lambda: client.api.create_result("mine", "mysql://host/db"),
        "export": lambda: client.api.export_data("bulk", "whole", "s3", {"bucket": "mine"}),
    }.items():
        try:
            call()
        except tdclient.errors.APIError as error:
            seen[name] = str(error)


with tdclient.Client(apikey, endpoint=url) as client:
    life_cycle(client)
    people(client)
    connectors(client)
data_frames()
print(json.dumps(seen))
