"""Schemas that others write: the official suite, pydantic, FastAPI and zod.

Nothing of it is kept here. What can't be had skips the test.
"""

import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from support.compiler import installed

DRAFTS = ("draft4", "draft6", "draft7", "draft2019-09", "draft2020-12")
PLACES = [["json", "tests", draft] for draft in DRAFTS]


def official_suite() -> Iterator[tuple[Any, list[tuple[Any, bool]]]]:
    """Give each schema of the JSON Schema Test Suite, and values: accepted or not.

    It comes with the source distribution of jsonschema.
    """
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
        options = ["--no-binary", "jsonschema", "-d", folder, "jsonschema"]
        done = subprocess.run([*download, *options], capture_output=True)
        if done.returncode:
            pytest.skip("left out: the sources of jsonschema can't be had here")
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            for member in tar:
                _, *folders = Path(member.name).parts
                if member.name.endswith(".json") and folders[:3] in PLACES:
                    file = tar.extractfile(member)
                    assert file is not None
                    for group in json.load(file):
                        values = [(t["data"], t["valid"]) for t in group["tests"]]
                        yield group["schema"], values


class Color(str, Enum):
    """An enum of strings."""

    RED = "red"
    GREEN = "green"


class Cat(BaseModel):
    """A cat."""

    kind: Literal["cat"]
    lives: int = Field(9, ge=0, le=9)


class Dog(BaseModel):
    """A dog."""

    kind: Literal["dog"]
    breed: str | None = None


class Node(BaseModel):
    """A node
    of a tree.
    """

    value: int | str
    children: list["Node"] = []
    parent: "Node | None" = None


class Order(BaseModel):
    """All that pydantic has a schema for, more or less."""

    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    color: Color = Color.RED
    when: date
    size: tuple[int, int]
    rest: tuple[int, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict, description="By name.")
    flags: set[Literal["a", "b"]] = set()
    code: Annotated[str, Field(pattern=r"^\d{3}-\w+$", examples=["123-x"])]
    anything: Any = None
    tree: Node | None = None
    share: Annotated[float, Field(gt=0, lt=1, multiple_of=0.25)] = 0.5


class Reply(BaseModel):
    """Of an endpoint."""

    orders: list[Order]
    next: str | None = Field(None, deprecated=True)


def by_pydantic() -> list[Any]:
    """Return the schemas of the models above, as given in and out."""
    models: list[type[BaseModel]] = [Cat, Dog, Node, Order, Reply]
    return [
        model.model_json_schema(mode=mode, by_alias=True)
        for model in models
        for mode in ("validation", "serialization")
    ]


def by_fastapi() -> list[Any]:
    """Return the schemas of a server's OpenAPI document, each with all components."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.post("/orders")
    def post(order: Order, trace: bool = False) -> Reply:
        raise NotImplementedError

    form = app.openapi()
    names = form["components"]["schemas"]
    return [
        {"$ref": f"#/components/schemas/{name}", "components": form["components"]}
        for name in names
    ]


ZOD = """
import * as z from "zod";
const node = z.object({ value: z.number(), get next() { return node.nullable() } });
const schemas = [
  z.object({ a: z.string().min(1).optional(), b: z.email(), c: z.int().positive() }),
  z.object({ kind: z.discriminatedUnion("t", [
    z.object({ t: z.literal("x"), n: z.number() }),
    z.object({ t: z.literal("y"), s: z.string().describe("two\\nlines") })]) }),
  z.object({ m: z.record(z.string(), z.boolean()), t: z.tuple([z.string(), z.int()]) }),
  z.strictObject({ e: z.enum(["a", "b"]), l: z.literal([1, "x", null, true]) }),
  z.looseObject({ d: z.iso.datetime().default("2024-01-01T00:00:00Z") }),
  z.object({ a: z.object({ x: z.string() }).and(z.object({ y: z.int() })) }),
  z.object({ node }),
];
console.log(JSON.stringify(schemas.flatMap((s) =>
  ["draft-7", "draft-2020-12"].map((target) => z.toJSONSchema(s, { target })))));
"""


def by_zod() -> list[Any]:
    """Return schemas that zod writes."""
    folder = installed("zod@4.6.7")
    script = folder / "schemas.mjs"
    script.write_text(ZOD, encoding="utf-8")
    done = subprocess.run(["node", script], capture_output=True, check=True)
    schemas: list[Any] = json.loads(done.stdout)
    return schemas
