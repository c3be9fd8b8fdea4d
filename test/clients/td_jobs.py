"""Queries, results, lists, kills, exports and schedules as td-client and pytd do them; prints what they were given as one line of JSON."""

import json
import os
import sys
import tempfile
import time

import pytd
import tdclient

given = json.loads(sys.argv[1])
url, apikey = given["url"], given["apikey"]
seen = {}


def queries(client):
    client.create_database("queries")
    job = client.query("queries", "select 1 as a, 'ü' as b union all select 2, null order by 1", type="presto")
    job.wait(wait_interval=0.2)
    seen["query"] = [job.status(), job.type, job.database, job.num_records, job.result_schema, job.result_url]
    seen["rows"] = list(job.result())
    seen["as json"] = list(job.result_format("json"))
    seen["as msgpack"] = list(job.result_format("msgpack"))
    # In ranges, as large results are fetched.
    seen["in ranges"] = list(job.result_format("msgpack", store_tmpfile=True, num_threads=2))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result.msgpack.gz")
        client.download_job_result(job.job_id, path)
        seen["size"] = [os.path.getsize(path) == job.result_size, job.result_size > 0]
    made = client.query(
        "queries", "-- made anew\nDROP TABLE IF EXISTS `t`;\nCREATE TABLE `t` AS SELECT 7 AS n", type="hive", priority="HIGH"
    )
    made.wait(wait_interval=0.2)
    seen["made"] = [made.status(), made.priority, made.num_records]


def failures(client):
    job = client.query("queries", "select n,\n  m from t", type="trino")
    job.wait(wait_interval=0.2)
    job.update()
    seen["failed"] = [job.status(), job.debug["stderr"].splitlines()]
    try:
        list(job.result())
    except Exception as error:
        seen["no result"] = type(error).__name__
    for what, ask in {
        "no job": lambda: client.job("999999"),
        "no database": lambda: client.query("nowhere", "select 1", type="presto"),
        "not yet": lambda: client.query("queries", "select 1", type="presto", result_url="mysql://u:p@h/d/t"),
        "taken": lambda: [client.query("queries", "select 1", type="presto", domain_key="once") for _ in range(2)],
    }.items():
        try:
            ask()
        except tdclient.errors.APIError as error:
            seen[what] = [type(error).__name__, str(error)]


def lists(client):
    waiting = client.query("queries", "select 1", type="presto", scheduled_time=int(time.time()) + 3600)
    seen["waiting"] = [client.job_status(waiting.job_id), [job.job_id for job in client.jobs(0, 0)] == [waiting.job_id]]
    seen["killed"] = [waiting.kill(), client.job_status(waiting.job_id)]
    seen["listed"] = [job.job_id for job in client.jobs(status="killed")] == [waiting.job_id]


def exports(client):
    job = client.query("queries", "select 5 as n", type="presto", result_url=f"td://{apikey}@/queries/copied?mode=replace")
    job.wait(wait_interval=0.2)
    rows = client.query("queries", "select n from copied", type="presto")
    rows.wait(wait_interval=0.2)
    seen["exported"] = [job.status(), list(rows.result())]


def schedules(client):
    start = client.create_schedule(
        "daily",
        {"cron": "@daily", "timezone": "UTC", "database": "queries", "type": "presto", "query": "select td_scheduled_time()"},
    )
    seen["schedule"] = [start.minute, [(s.name, s.cron, s.type, s.database) for s in client.schedules()]]
    client.update_schedule("daily", {"delay": 60})
    jobs = client.run_schedule("daily", 1700000000, 2)
    jobs[0].wait(wait_interval=0.2)
    seen["ran"] = [len(jobs), list(jobs[0].result()), str(jobs[1].scheduled_at)]
    seen["history"] = [(job.status(), job.type) for job in client.history("daily")][-1]
    seen["deleted"] = client.delete_schedule("daily")


def with_pytd():
    client = pytd.Client(apikey=apikey, endpoint=url, database="queries", default_engine="hive")
    found = client.query("select n, 'x' as s from t", wait_interval=0.2)
    seen["pytd"] = found
    found = client.query("select 2 as two", engine="presto", priority=1, wait_interval=0.2)
    seen["pytd with options"] = found


client = tdclient.Client(apikey=apikey, endpoint=url, retry_post_requests=False)
for part in (queries, failures, lists, exports, schedules):
    part(client)
with_pytd()
print(json.dumps(seen, default=str))
