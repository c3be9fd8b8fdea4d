"""Makes a table, appends to it, deletes and overwrites rows, and adds a column; prints what the client itself then sees."""

import datetime
import decimal
import json
import sys

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchTableError, TableAlreadyExistsError
from pyiceberg.expressions import GreaterThanOrEqual, LessThan
from pyiceberg.schema import Schema
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    ListType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
)

given = json.loads(sys.argv[1])
catalog = load_catalog("biwa", type="rest", uri=given["uri"], token=given["token"])
catalog.create_namespace("lake")

schema = Schema(
    NestedField(1, "time", LongType(), required=True),
    NestedField(2, "n", LongType()),
    NestedField(3, "text", StringType()),
    NestedField(4, "price", DecimalType(10, 2)),
    NestedField(5, "tags", ListType(6, StringType(), element_required=False)),
    NestedField(7, "at", TimestampType()),
    NestedField(8, "day", DateType()),
    NestedField(9, "share", DoubleType()),
    NestedField(10, "flag", BooleanType()),
    NestedField(11, "raw", BinaryType()),
)
table = catalog.create_table("lake.orders", schema, properties={"owner": "tests"})

try:
    catalog.create_table("lake.orders", schema)
    raise AssertionError("a table is made twice")
except TableAlreadyExistsError:
    pass


def rows(first, count):
    numbers = range(first, first + count)
    return pa.table(
        {
            "time": pa.array([1_700_000_000 + 60 * n for n in numbers], pa.int64()),
            "n": pa.array(numbers, pa.int64()),
            "text": [f"text {n}" for n in numbers],
            "price": pa.array([decimal.Decimal(n) / 4 for n in numbers], pa.decimal128(10, 2)),
            "tags": [["a", str(n)] for n in numbers],
            "at": pa.array([datetime.datetime(2024, 1, 1, 0, 0, n % 60, 250_000) for n in numbers], pa.timestamp("us")),
            "day": pa.array([datetime.date(2024, 1, 1 + n % 28) for n in numbers], pa.date32()),
            "share": [n / 8 for n in numbers],
            "flag": [n % 2 == 0 for n in numbers],
            "raw": pa.array([bytes([n % 256]) for n in numbers], pa.binary()),
        },
        schema=pa.schema(
            [
                pa.field("time", pa.int64(), nullable=False),
                ("n", pa.int64()),
                ("text", pa.string()),
                ("price", pa.decimal128(10, 2)),
                ("tags", pa.list_(pa.string())),
                ("at", pa.timestamp("us")),
                ("day", pa.date32()),
                ("share", pa.float64()),
                ("flag", pa.bool_()),
                ("raw", pa.binary()),
            ]
        ),
    )


table.append(rows(0, 1000))
table.append(rows(1000, 500))
table.delete(GreaterThanOrEqual("n", 1400))
table.overwrite(rows(0, 3), overwrite_filter=LessThan("n", 10))

with table.update_schema() as update:
    update.add_column("note", StringType())
table.append(rows(5000, 2).append_column("note", pa.array(["x", "y"])))

# A writer that saw an older state is told so, and gets through when it looks again.
one, other = catalog.load_table("lake.orders"), catalog.load_table("lake.orders")
one.append(rows(6000, 1).append_column("note", pa.array(["z"])))
other.append(rows(6001, 1).append_column("note", pa.array(["z"])))

with table.transaction() as transaction:
    transaction.set_properties(stage="tested")

try:
    catalog.load_table("lake.none")
    raise AssertionError("a table that is not there is found")
except NoSuchTableError:
    pass

table = catalog.load_table("lake.orders")
found = table.scan().to_arrow()
print(
    json.dumps(
        {
            "count": found.num_rows,
            "sum": sum(found["n"].to_pylist()),
            "filtered": table.scan(row_filter="time < 1700000600 and n < 5").to_arrow().num_rows,
            "properties": {key: table.properties[key] for key in ("owner", "stage")},
            "snapshots": [snapshot.summary.operation.value for snapshot in table.metadata.snapshots],
        }
    )
)
